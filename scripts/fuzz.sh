#!/usr/bin/env bash
# Runs every fuzz target of the repository for the given time (30s), or number of cases (1000000x), each; of all packages,
# or of those that are named.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:-30s}
shift || true
known=$(go env GOCACHE)/fuzz # where go test itself keeps the inputs that have shown something new
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

targets=0
while read -r dir; do
  # Linked once for all targets of the package, which takes longer than a short run of one.
  go test -c -fuzz . -o "$work/test" "./${dir#./}"
  for target in $(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | sed 's/^func //'); do
    echo "== $dir $target"
    (cd "$dir" && "$work/test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$time" \
      -test.fuzzcachedir "$known/$(go list .)" </dev/null)
    targets=$((targets + 1))
  done
done < <(grep -rl --include='*_test.go' '^func Fuzz' "${@:-.}" | xargs -n1 dirname | sort -u)
echo "$targets fuzz targets, $time each: nothing found"
