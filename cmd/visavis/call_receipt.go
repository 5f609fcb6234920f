package main

import (
	"fmt"
	"strings"

	"github.com/visavis-call/visavis/peer/quality"
)

// receipt says what the call was like, in a line of its own.
func receipt(r *quality.Receipt) string {
	if r == nil {
		return ""
	}
	text := "\nPicture and sound came through; any trouble was too short to tell of (less than 2.5 s in every minute)."
	if w := r.Worst; w != nil {
		text = fmt.Sprintf("\nWorst minute: %d. %s", w.Minute, cause(w.Finding))
	}
	if !r.Reported {
		text += " The other side sent no measurements."
	}
	return text
}

func cause(f quality.Finding) string {
	whose, who := "Your", "You"
	if f.Side == quality.Theirs {
		whose, who = "Their", "They"
	}
	switch f.Cause {
	case quality.Uplink:
		return fmt.Sprintf("%s line could send only %d kbit/s.", whose, f.Value)
	case quality.Loss:
		if f.Side == quality.Between {
			return fmt.Sprintf("Up to %d %% got lost on the way, in both directions.", f.Value)
		}
		return fmt.Sprintf("%d %% of what %s sent got lost on the way.", f.Value, strings.ToLower(who))
	case quality.Delay:
		return fmt.Sprintf("What was said took %d ms there and back.", f.Value)
	case quality.CPU:
		return fmt.Sprintf("%s device could not keep up for %d s.", whose, f.Value)
	case quality.Background:
		return fmt.Sprintf("%s had the call in the background, or the device asleep, for %d s.", who, f.Value)
	case quality.Mic:
		return fmt.Sprintf("%s microphone was missing for %d s.", whose, f.Value)
	case quality.Camera:
		return fmt.Sprintf("%s camera was missing for %d s.", whose, f.Value)
	case quality.Offline:
		return fmt.Sprintf("%s network was gone for %d s.", whose, f.Value)
	case quality.Interrupted:
		return fmt.Sprintf("Picture or sound stood still for %d s; neither side knows why.", f.Value)
	case quality.ServerAway:
		return fmt.Sprintf("The server was away for %d s, for both of you.", f.Value)
	}
	return ""
}
