#!/usr/bin/env bash
# Fails when the generated files are not what the Go source says.
set -euo pipefail
cd "$(dirname "$0")/.."

files=(web/src/protocol/messages.gen.ts web/src/protocol/sealed.gen.ts)
before=$(sha256sum "${files[@]}")
go generate ./...
if [ "$before" != "$(sha256sum "${files[@]}")" ]; then
  echo "The generated wire types were out of date. They are fresh now: look at the change and commit it." >&2
  git --no-pager diff --stat -- "${files[@]}" >&2
  exit 1
fi
