#!/usr/bin/env bash
# Fails when the generated files are not what their source says.
set -euo pipefail
cd "$(dirname "$0")/.."

# The kernel program of the relay; other versions of the compiler make other bytes.
if command -v clang-14 >/dev/null && ! scripts/build-offload.sh --check; then
  echo "internal/relay/offload/relay.bpf.o is not what its source makes: run scripts/build-offload.sh and commit it." >&2
  exit 1
fi

files=(web/src/protocol/messages.gen.ts web/src/protocol/sealed.gen.ts)
before=$(sha256sum "${files[@]}")
go generate ./...
if [ "$before" != "$(sha256sum "${files[@]}")" ]; then
  echo "The generated wire types were out of date. They are fresh now: look at the change and commit it." >&2
  git --no-pager diff --stat -- "${files[@]}" >&2
  exit 1
fi
