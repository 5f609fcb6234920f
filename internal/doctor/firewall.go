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
	allowed := func(protocol string) bool {
		return regexp.MustCompile(fmt.Sprintf(`(?m)^%d(/%s)?\s.*ALLOW`, port, protocol)).MatchString(text)
	}
	var missing []string
	for _, protocol := range []string{"tcp", "udp"} {
		if !allowed(protocol) {
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
	rule := func(protocol string) bool {
		return regexp.MustCompile(fmt.Sprintf(`(%s|th) dport (%d\b|\{[^}]*\b%d\b[^}]*\})[^\n]*accept`, protocol, port, port)).MatchString(text)
	}
	return !rule("tcp") || !rule("udp"), fmt.Sprintf("nft add rule inet filter input meta l4proto '{ tcp, udp }' th dport %d accept (table and chain as in nft list ruleset)", port)
}

func iptablesHint(text string, port int) (blocked bool, remedy string) {
	if !iptablesDrops.MatchString(text) {
		return false, ""
	}
	p := strconv.Itoa(port)
	rule := func(protocol string) bool {
		return regexp.MustCompile(`(?m)^-A INPUT .*-p ` + protocol + ` .*--dports? [0-9,:]*\b` + p + `\b.* -j ACCEPT`).MatchString(text)
	}
	return !rule("tcp") || !rule("udp"),
		fmt.Sprintf("iptables -I INPUT -p tcp --dport %s -j ACCEPT; iptables -I INPUT -p udp --dport %s -j ACCEPT; the same with ip6tables", p, p)
}
