#!/usr/bin/env bash
# Starts coturn as a reference for `visavis bench relay --reference scripts/coturn.sh`: the settings that its
# own documentation names for many users, nothing logged, no database. Debian has it: apt-get install coturn.
set -euo pipefail

: "${BENCH_ADDRESS:?visavis bench relay sets it}" "${BENCH_PORT:?}" "${BENCH_USER:?}" "${BENCH_PASSWORD:?}" "${BENCH_REALM:?}"
command -v turnserver >/dev/null || { echo "coturn is missing: apt-get install coturn" >&2; exit 1; }
# Each allocation is a socket.
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"

# Peers on loopback are refused by default, and here everything is.
exec turnserver -n \
  --listening-ip "$BENCH_ADDRESS" --relay-ip "$BENCH_ADDRESS" --listening-port "$BENCH_PORT" \
  --min-port 20000 --max-port 60000 \
  --lt-cred-mech --user "$BENCH_USER:$BENCH_PASSWORD" --realm "$BENCH_REALM" \
  --no-tls --no-dtls --no-tcp --no-tcp-relay --no-cli --no-multicast-peers --allow-loopback-peers \
  --userdb /dev/null --pidfile /dev/null --log-file /dev/null --no-stdout-log ${BENCH_COTURN:-}
