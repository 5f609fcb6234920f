#!/usr/bin/env bash
# Prints where a photograph of a person is, for tests and benchmarks of what looks at the camera's picture: NASA's portrait
# of Eileen Collins, 512 by 512, which Debian has in python3-skimage. Fetched once and kept outside the repository.
set -euo pipefail
cd "$(dirname "$0")/.."
target=.cache/portrait/astronaut.png
if [ ! -s "$target" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  chmod 755 "$work" # apt's own user reads it
  fetch() { (cd "$work" && apt-get download python3-skimage) >&2; }
  fetch 2>/dev/null || { apt-get update >&2 && fetch; }
  dpkg -x "$work"/python3-skimage_*.deb "$work"
  mkdir -p "$(dirname "$target")"
  find "$work" -name astronaut.png -exec cp {} "$target.part" \;
  mv "$target.part" "$target"
fi
echo "$PWD/$target"
