package doctor

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// firewallTimeout bounds one command.
const firewallTimeout = 3 * time.Second

// checkFirewall reads what this machine's own firewall says. It gives hints only:
// rules can jump, and the provider's firewall is not seen from here.
func checkFirewall(ctx context.Context, cfg *Config, _ *place) []Finding {
	if cfg.onlyHere() {
		return nil
	}
	for _, tool := range []struct {
		command []string
		hint    func(text string, port int) (blocked bool, remedy string)
	}{
		{[]string{"ufw", "status"}, ufwHint},
		{[]string{"firewall-cmd", "--list-all"}, firewalldHint},
		{[]string{"nft", "list", "ruleset"}, nftHint},
		{[]string{"iptables", "-S", "INPUT"}, iptablesHint},
	} {
		text, ok := output(ctx, tool.command)
		if !ok || text == "" {
			continue
		}
		if blocked, remedy := tool.hint(text, cfg.port()); blocked {
			return []Finding{warn("firewall", remedy, "%s does not let all of port %d through, TCP and UDP: people may not get through", tool.command[0], cfg.port())}
		}
		return []Finding{good("firewall", "%s shows nothing that keeps port %d closed; a firewall of the provider is not seen from here", tool.command[0], cfg.port())}
	}
	return []Finding{good("firewall", "no rules can be read here (none, or not as this user); a firewall of the provider is not seen from here")}
}

func output(ctx context.Context, command []string) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, firewallTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).Output()
	return strings.TrimSpace(string(out)), err == nil
}

func ufwHint(text string, port int) (blocked bool, remedy string) {
	if !strings.Contains(text, "Status: active") {
		return false, ""
	}
	var missing []string
	for _, protocol := range []string{"tcp", "udp"} {
		rule := regexp.MustCompile(`(?m)^([0-9:,]+)(?:/` + protocol + `)?\s.*ALLOW`)
		if !anyCovers(rule.FindAllStringSubmatch(text, -1), port) {
			missing = append(missing, fmt.Sprintf("ufw allow %d/%s", port, protocol))
		}
	}
	return len(missing) > 0, strings.Join(missing, " && ")
}

// nftLast is a rule that takes away all that has come so far.
var nftLast = regexp.MustCompile(`(?m)^\s*(?:counter(?: packets \d+ bytes \d+)? )?(?:drop|reject(?: with [^\n]*)?)\s*$`)

// nftInput are the chains for what comes in, with their rules.
var nftInput = regexp.MustCompile(`chain [^{\n]*\{\s*type filter hook input(?:[^{}]|\{[^{}]*\})*\}`)

func nftHint(text string, port int) (blocked bool, remedy string) {
	input := strings.Join(nftInput.FindAllString(text, -1), "\n")
	strict := strings.Contains(input, "policy drop") || nftLast.MatchString(input)
	var closed []string
	for _, protocol := range []string{"tcp", "udp"} {
		// Both protocols may share a rule: tcp dport 443, th dport { 443, 3478 }. An open one
		// may stand in a chain that the first one jumps to.
		const ports = ` dport ([0-9-]+|\{[^}]*\})`
		open := regexp.MustCompile(`(?:` + protocol + `|th)` + ports + `[^\n]*accept`)
		// Without a condition, such as an address or a rate.
		against := regexp.MustCompile(`(?m)^\s*(?:` + protocol + `|th)` + ports + `(?: counter packets \d+ bytes \d+)? (?:drop|reject)`)
		switch {
		case anyCovers(against.FindAllStringSubmatch(input, -1), port): // whatever comes after it
			return true, fmt.Sprintf("nft -a list ruleset shows the handle of the rule that drops %s to port %d; nft delete rule FAMILY TABLE CHAIN handle N", strings.ToUpper(protocol), port)
		case strict && !anyCovers(open.FindAllStringSubmatch(text, -1), port):
			closed = append(closed, protocol)
		}
	}
	return len(closed) > 0, fmt.Sprintf("nft insert rule inet filter input meta l4proto '{ %s }' th dport %d accept (table and chain as in nft list ruleset)", strings.Join(closed, ", "), port)
}

var iptablesDrops = regexp.MustCompile(`(?m)^-P INPUT DROP|^-A INPUT( -j (DROP|REJECT))`)

func iptablesHint(text string, port int) (blocked bool, remedy string) {
	var remedies []string
	for _, protocol := range []string{"tcp", "udp"} {
		open := regexp.MustCompile(`(?m)^-A INPUT .*-p ` + protocol + ` .*--dports? ([0-9,:]+) .*-j ACCEPT`)
		// Without a condition, such as an address or a rate.
		against := regexp.MustCompile(`(?m)^-A INPUT -p ` + protocol + ` (?:-m \w+ )?--dports? ([0-9,:]+) -j (?:DROP|REJECT)`)
		strict := iptablesDrops.MatchString(text) && !anyCovers(open.FindAllStringSubmatch(text, -1), port)
		if strict || anyCovers(against.FindAllStringSubmatch(text, -1), port) { // whatever comes after it
			remedies = append(remedies, fmt.Sprintf("iptables -I INPUT -p %s --dport %d -j ACCEPT", protocol, port))
		}
	}
	return len(remedies) > 0, strings.Join(remedies, "; ") + "; the same with ip6tables"
}

// firewalldHint reads what is open in the zone that people come to. Its rules in nft are
// jumps that say nothing by themselves.
func firewalldHint(text string, port int) (blocked bool, remedy string) {
	var missing []string
	for _, protocol := range []string{"tcp", "udp"} {
		open := strings.Contains(text, "target: ACCEPT")
		for line := range strings.Lines(text) {
			key, list, _ := strings.Cut(strings.TrimSpace(line), ":")
			for _, item := range strings.Fields(list) {
				switch key {
				case "services":
					open = open || firewalldService(item) == fmt.Sprintf("%d/%s", port, protocol)
				case "ports":
					ports, kind, _ := strings.Cut(item, "/")
					open = open || kind == protocol && anyCovers([][]string{{"", ports}}, port)
				}
			}
		}
		if !open {
			missing = append(missing, fmt.Sprintf("--add-port=%d/%s", port, protocol))
		}
	}
	return len(missing) > 0, "firewall-cmd --permanent " + strings.Join(missing, " ") + " && firewall-cmd --reload"
}

// firewalldService is what those services open that a server of this kind may use.
func firewalldService(name string) string {
	switch name {
	case "http":
		return "80/tcp"
	case "https":
		return "443/tcp"
	case "http3":
		return "443/udp"
	}
	return ""
}

// anyCovers reports whether the port is in one of the lists that rules have matched.
func anyCovers(rules [][]string, port int) bool {
	for _, rule := range rules {
		for _, item := range strings.FieldsFunc(rule[1], func(r rune) bool { return strings.ContainsRune("{}, \t\n", r) }) {
			low, high, isRange := strings.Cut(strings.Replace(item, ":", "-", 1), "-")
			if !isRange {
				high = low
			}
			from, errFrom := strconv.Atoi(low)
			to, errTo := strconv.Atoi(high)
			if errFrom == nil && errTo == nil && from <= port && port <= to {
				return true
			}
		}
	}
	return false
}
