#!/usr/bin/env bash
# Runs `visavis bench relay` with the servers in one network namespace, the load in another, and a veth link between them
# whose receiving is done by a kernel thread, so that it can be counted, as with a real card. Arguments are those of the command.
# Needs root, ip and ethtool.
set -euo pipefail

visavis=${VISAVIS_BIN:-./bin/visavis}
server=bench-server-$$ load=bench-load-$$
for tool in ip ethtool; do
  command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }
done
trap 'ip netns del "$server" 2>/dev/null || true; ip netns del "$load" 2>/dev/null || true' EXIT
ip netns add "$server"
ip netns add "$load"
ip link add benchs netns "$server" type veth peer name benchl netns "$load"
ip -n "$server" addr add 10.63.0.1/24 dev benchs
ip -n "$load" addr add 10.63.0.2/24 dev benchl
for ns in "$server" "$load"; do ip -n "$ns" link set lo up; done
ip -n "$server" link set benchs up
ip -n "$load" link set benchl up
# Every party has an address of its own.
ip -n "$server" route add 10.64.0.0/10 via 10.63.0.2
ip -n "$load" route add local 10.64.0.0/10 dev lo
# veth receives datagrams in a thread only if it may gather them (GRO); those of one flow come too far apart for that.
ip netns exec "$server" ethtool -K benchs gro on rx-udp-gro-forwarding on
ip netns exec "$server" sh -c 'echo 1 > /sys/class/net/benchs/threaded'

ip netns exec "$load" "$visavis" bench relay --within "ip netns exec $server" \
  --address 10.63.0.1 --sources 10.64.0.0/10 --interface benchs "$@"
