#!/usr/bin/env bash
# Runs `visavis bench relay` with the servers in one network namespace, the load in another, and a veth link between them
# whose receiving is done by a kernel thread, so that it can be counted, as with a real card. Arguments are those of the command.
# Needs root, ip, ethtool and chrt.
set -euo pipefail

visavis=${VISAVIS_BIN:-./bin/visavis}
# Between interrupts, in ns: where Intel's ice and i40e begin (ICE_DFLT_RX_ITR, I40E_ITR_RX_DEF); 0: as many as there are packets.
moderation=${MODERATION:-50000}
server=bench-server-$$ load=bench-load-$$
for tool in ip ethtool chrt; do
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
# Both ends receive in threads of their own (threaded NAPI), as two machines would: that of the servers' end is counted, what
# the load takes to receive is not. As with a card as it comes, received datagrams are gathered only for sockets that ask for it
# (UDP_GRO; rx-udp-gro-forwarding stays off). veth receives that way only if it may gather, and what comes over it was not cut by the
# other end's card (tso off). The servers' end leaves cutting (UDP_SEGMENT) to the kernel, like a card that cannot do it: SEGMENTATION=on is one that can.
for end in "$server benchs" "$load benchl"; do
  read -r ns link <<<"$end"
  ip netns exec "$ns" ethtool -K "$link" gro on tso off rx-udp-gro-forwarding off tx-udp-segmentation "${SEGMENTATION:-off}"
  ip netns exec "$ns" sh -c "cd /sys/class/net/$link; echo 1 > threaded; echo $moderation > gro_flush_timeout; echo 1 > napi_defer_hard_irqs"
done
# What receives comes before what programs do, as interrupts would.
for comm in /proc/[0-9]*/comm; do
  grep -qs '^napi/bench[sl]-' "$comm" && chrt --fifo --pid 1 "$(basename "${comm%/comm}")"
done

ip netns exec "$load" "$visavis" bench relay --within "ip netns exec $server" \
  --address 10.63.0.1 --sources 10.64.0.0/10 --interface benchs "$@"
