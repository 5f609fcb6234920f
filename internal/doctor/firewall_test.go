package doctor

import (
	"strings"
	"testing"
)

const nftRules = `table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		tcp dport { 22, 443 } accept
		udp dport 443 accept
		meta l4proto { tcp, udp } th dport 3478 accept
		udp dport 8080 drop
		th dport { 22, 9000-9100 } ct state new counter packets 0 bytes 0 accept
	}
	chain output {
		type filter hook output priority filter; policy accept;
	}
}`

const ufwRules = `Status: active

To                         Action      From
--                         ------      ----
22/tcp                     ALLOW       Anywhere
443                        ALLOW       Anywhere
3478/tcp                   ALLOW       Anywhere
9000:9100/tcp              ALLOW       Anywhere
9000:9100/udp              ALLOW       Anywhere
443 (v6)                   ALLOW       Anywhere (v6)`

const iptablesRules = `-P INPUT DROP
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
-A INPUT -p udp -m udp --dport 443 -j ACCEPT
-A INPUT -p tcp -m multiport --dports 80,3478 -j ACCEPT
-A INPUT -p tcp -m multiport --dports 22,9000:9100 -j ACCEPT
-A INPUT -p udp -m udp --dport 9000:9100 -j ACCEPT`

// nftClosing ends with a rule for everything; its policy says nothing.
const nftClosing = `table inet filter {
	chain input {
		type filter hook input priority 0; policy accept;
		ct state established,related accept
		jump open
		counter packets 12 bytes 840 reject with icmpx admin-prohibited
	}
	chain open {
		tcp dport 443 accept
		udp dport { 443, 3478 } accept
	}
}`

// nftAgainst has rules against one port, and a set of addresses that are not wanted.
const nftAgainst = `table inet filter {
	set bad {
		type ipv4_addr
	}
	chain input {
		type filter hook input priority filter; policy accept;
		ip saddr @bad drop
		udp dport 9443 limit rate over 1000/second drop
		ip saddr 192.0.2.7 udp dport 9443 drop
		udp dport { 443, 3478 } drop
		tcp dport 25 reject
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		drop
	}
}`

const firewalldZone = `public (active)
  target: default
  interfaces: eth0
  services: dhcpv6-client https ssh
  ports: 3478/tcp 3478/udp 9000-9100/tcp
  masquerade: no`

func TestFirewallHints(t *testing.T) {
	for _, tt := range []struct {
		name string
		hint func(string, int) (bool, string)
		text string
		port int
		want bool
	}{
		{"nft: both", nftHint, nftRules, 443, false},
		{"nft: both in one", nftHint, nftRules, 3478, false},
		{"nft: in a range", nftHint, nftRules, 9050, false},
		{"nft: beside the range", nftHint, nftRules, 9101, true},
		{"nft: dropped", nftHint, nftRules, 8080, true},
		{"nft: part of a number", nftHint, nftRules, 44, true},
		{"nft: open", nftHint, "chain input {\n type filter hook input priority filter; policy accept;\n}", 8080, false},
		{"nft: closed at the end", nftHint, nftClosing, 8080, true},
		{"nft: opened by a jump", nftHint, nftClosing, 443, false},
		{"nft: opened for TCP only", nftHint, strings.Replace(nftClosing, "443, 3478", "3478", 1), 443, true},
		{"nft: against UDP", nftHint, nftAgainst, 443, true},
		{"nft: against others", nftHint, nftAgainst, 8080, false},
		{"nft: against some", nftHint, nftAgainst, 9443, false},
		{"iptables: against some", iptablesHint, "-P INPUT ACCEPT\n-A INPUT -s 192.0.2.7/32 -p udp -m udp --dport 443 -j DROP", 443, false},
		{"firewalld: both", firewalldHint, firewalldZone, 3478, false},
		{"firewalld: a service, TCP only", firewalldHint, firewalldZone, 443, true},
		{"firewalld: a range, TCP only", firewalldHint, firewalldZone, 9050, true},
		{"firewalld: none", firewalldHint, firewalldZone, 8080, true},
		{"firewalld: trusted", firewalldHint, "trusted (active)\n  target: ACCEPT", 8080, false},
		{"iptables: against UDP", iptablesHint, "-P INPUT ACCEPT\n-A INPUT -p udp -m udp --dport 8080 -j DROP", 8080, true},
		{"iptables: against another", iptablesHint, "-P INPUT ACCEPT\n-A INPUT -p udp -m udp --dport 8081 -j DROP", 8080, false},
		{"ufw: both", ufwHint, ufwRules, 443, false},
		{"ufw: in a range", ufwHint, ufwRules, 9100, false},
		{"ufw: TCP only", ufwHint, ufwRules, 3478, true},
		{"ufw: none", ufwHint, ufwRules, 8080, true},
		{"ufw: off", ufwHint, "Status: inactive", 8080, false},
		{"iptables: both", iptablesHint, iptablesRules, 443, false},
		{"iptables: in a range", iptablesHint, iptablesRules, 9000, false},
		{"iptables: TCP only", iptablesHint, iptablesRules, 3478, true},
		{"iptables: none", iptablesHint, iptablesRules, 8080, true},
		{"iptables: open", iptablesHint, "-P INPUT ACCEPT", 8080, false},
	} {
		blocked, remedy := tt.hint(tt.text, tt.port)
		if blocked != tt.want || blocked && remedy == "" {
			t.Errorf("%s: blocked %v (%q), want %v", tt.name, blocked, remedy, tt.want)
		}
	}
	for want, tt := range map[string]struct {
		hint func(string, int) (bool, string)
		text string
		port int
	}{
		"ufw allow 3478/udp": {ufwHint, ufwRules, 3478},
		"nft insert rule inet filter input meta l4proto '{ udp }' th dport 443 accept (table and chain as in nft list ruleset)":    {nftHint, strings.Replace(nftClosing, "443, 3478", "3478", 1), 443},
		"nft -a list ruleset shows the handle of the rule that drops UDP to port 443; nft delete rule FAMILY TABLE CHAIN handle N": {nftHint, nftAgainst, 443},
		"firewall-cmd --permanent --add-port=443/udp && firewall-cmd --reload":                                                     {firewalldHint, firewalldZone, 443},
		"iptables -I INPUT -p udp --dport 3478 -j ACCEPT; the same with ip6tables":                                                 {iptablesHint, iptablesRules, 3478},
	} {
		if _, remedy := tt.hint(tt.text, tt.port); remedy != want {
			t.Errorf("only UDP is missing, and the remedy is %q, want %q", remedy, want)
		}
	}
}
