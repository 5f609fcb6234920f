package doctor

import "testing"

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
	if _, remedy := ufwHint(ufwRules, 3478); remedy != "ufw allow 3478/udp" {
		t.Errorf("only UDP is missing, and the remedy is %q", remedy)
	}
}
