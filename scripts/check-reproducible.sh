#!/usr/bin/env bash
# Builds the web app a second time, in another folder, language and time zone, and compares the files byte by byte.
set -euo pipefail
cd "$(dirname "$0")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard web | tar --null --files-from=- --create --ignore-failed-read | tar -x -C "$copy"
cp -a web/node_modules "$copy/web/node_modules"
(cd "$copy/web" && TZ=Pacific/Kiritimati LC_ALL=C npm run -s build >"$copy/log" 2>&1) || { cat "$copy/log"; exit 1; }
diff -r --brief web/dist "$copy/web/dist"
echo "the web app builds to the same bytes: $(sha256sum <web/dist/bundle.json | cut -d' ' -f1)"
