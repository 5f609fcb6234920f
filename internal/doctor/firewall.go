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
		{[]string{"nft", "list", "ruleset"}, nftHint},
		{[]string{"iptables", "-S", "INPUT"}, iptablesHint},
	} {
		text, ok := output(ctx, tool.command)
		if !ok || text == "" {
			continue
		}
		if blocked, remedy := tool.hint(text, cfg.port()); blocked {
			return []Finding{warn("firewall", remedy, "%s drops what it does not know, and has no rule for port %d, TCP and UDP: people may not get through", tool.command[0], cfg.port())}
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

var (
	nftDrops      = regexp.MustCompile(`hook input [^\n]*policy drop`)
	iptablesDrops = regexp.MustCompile(`(?m)^-P INPUT DROP|^-A INPUT( -j (DROP|REJECT))`)
)

func nftHint(text string, port int) (blocked bool, remedy string) {
	if !nftDrops.MatchString(text) {
		return false, ""
	}
	// Both protocols may share a rule: tcp dport 443, th dport { 443, 3478 }.
	open := func(protocol string) bool {
		rule := regexp.MustCompile(`(?:` + protocol + `|th) dport ([0-9-]+|\{[^}]*\})[^\n]*accept`)
		return anyCovers(rule.FindAllStringSubmatch(text, -1), port)
	}
	return !open("tcp") || !open("udp"), fmt.Sprintf("nft add rule inet filter input meta l4proto '{ tcp, udp }' th dport %d accept (table and chain as in nft list ruleset)", port)
}

func iptablesHint(text string, port int) (blocked bool, remedy string) {
	if !iptablesDrops.MatchString(text) {
		return false, ""
	}
	open := func(protocol string) bool {
		rule := regexp.MustCompile(`(?m)^-A INPUT .*-p ` + protocol + ` .*--dports? ([0-9,:]+) .*-j ACCEPT`)
		return anyCovers(rule.FindAllStringSubmatch(text, -1), port)
	}
	return !open("tcp") || !open("udp"),
		fmt.Sprintf("iptables -I INPUT -p tcp --dport %d -j ACCEPT; iptables -I INPUT -p udp --dport %d -j ACCEPT; the same with ip6tables", port, port)
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
