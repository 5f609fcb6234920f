#!/usr/bin/env bash
# Installs what the tests need from the system, or names the exact command.
set -euo pipefail

missing=()
command -v chromium >/dev/null 2>&1 || missing+=(chromium)
fonts=$(fc-list 2>/dev/null || true)
# A font with Arabic letters and one with emoji, so that screenshots show what people see.
grep -qi 'Noto Sans Arabic' <<<"$fonts" || missing+=(fontconfig fonts-noto-core)
grep -qi 'Noto Color Emoji' <<<"$fonts" || missing+=(fonts-noto-color-emoji)
command -v gcc >/dev/null 2>&1 || missing+=(gcc libc6-dev) # the race detector needs cgo
# The network lab: namespaces, NATs and firewalls; and speech for its calls.
command -v ip >/dev/null 2>&1 || missing+=(iproute2)
command -v nft >/dev/null 2>&1 || missing+=(nftables)
command -v espeak-ng >/dev/null 2>&1 || missing+=(espeak-ng)
command -v flite >/dev/null 2>&1 || missing+=(flite) # more like people, for make bench-noise
if [ ${#missing[@]} -eq 0 ]; then
  "$(dirname "$0")/portrait.sh" >/dev/null
  exit 0
fi

install="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
if ! command -v apt-get >/dev/null 2>&1; then
  echo "The tests need: ${missing[*]}. Install them with your system's package manager." >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "The tests need packages that are not installed. Run:" >&2
  echo "  sudo sh -c '$install'" >&2
  exit 1
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
sh -c "$install" >/tmp/visavis-apt.log 2>&1 || { tail -n 20 /tmp/visavis-apt.log >&2; exit 1; }
"$(dirname "$0")/portrait.sh" >/dev/null
