#!/usr/bin/env bash
# Compiles the relay's kernel program (internal/relay/offload). The object is in the repository, so that nobody needs
# clang to build visavis; --check says whether it is what this compiler makes of the source.
# Debian 12 has what it takes: apt-get install clang-14 llvm-14 libbpf-dev.
set -euo pipefail
cd "$(dirname "$0")/../internal/relay/offload"

clang=${CLANG:-clang-14} strip=${LLVM_STRIP:-llvm-strip-14}
out=relay.bpf.o
[ "${1:-}" = --check ] && out=$(mktemp) && trap 'rm -f "$out"' EXIT
"$clang" -O2 -g -Wall -Werror -target bpfel -mcpu=v3 -ffile-prefix-map="$PWD=." \
  -I"/usr/include/$(uname -m)-linux-gnu" -c relay.bpf.c -o "$out"
"$strip" -g "$out"
[ "${1:-}" != --check ] || cmp "$out" relay.bpf.o
