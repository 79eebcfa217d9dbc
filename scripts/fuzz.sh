#!/usr/bin/env bash
# Fuzzes what reads foreign bytes, one target after the other, and ends with how often each ran.
# A crash stops the run: the input is in fuzz/artifacts/, and the output above says how to run it again.
# Usage: FUZZ_SECONDS=300 scripts/fuzz.sh TARGET...      (no target: all of them)
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.tools/bin:$PATH"

readonly SECONDS_EACH=${FUZZ_SECONDS:-300}
# A fuzzer needs flags that only a nightly compiler takes.
readonly TOOLCHAIN=${FUZZ_TOOLCHAIN:-nightly}
# Longer inputs find nothing that shorter ones don't: the limits of size are in the tests.
readonly MAX_BYTES=4096

fail() {
  echo "fuzz: $*" >&2
  exit 1
}

rustc "+$TOOLCHAIN" --version >/dev/null 2>&1 ||
  fail "the Rust toolchain $TOOLCHAIN is not installed: run \"rustup toolchain install $TOOLCHAIN\", or name another in FUZZ_TOOLCHAIN"

if (($# == 0)); then
  targets=$(cargo "+$TOOLCHAIN" fuzz list)
  # shellcheck disable=SC2086  # one word per target
  set -- $targets
fi

started=$SECONDS
cargo "+$TOOLCHAIN" fuzz build
echo "built in $((SECONDS - started)) s"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
summary=()
for target in "$@"; do
  printf '\n== %s for %s s\n' "$target" "$SECONDS_EACH"
  # New finds go into the first folder, which Git ignores; the seeds are only read.
  mkdir -p "fuzz/corpus/$target"
  cargo "+$TOOLCHAIN" fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
    -max_total_time="$SECONDS_EACH" -max_len="$MAX_BYTES" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    2>&1 | tee "$log" | grep --line-buffered -vE '^(#[0-9]+.(NEW|REDUCE|pulse|RELOAD)|"|###### )' || fail "$target found something, see above"
  executions=$(awk '/^stat::number_of_executed_units:/ {print $2}' "$log")
  [[ -n $executions ]] || fail "$target does not say how often it ran"
  summary+=("$(printf '%-12s %10d executions' "$target" "$executions")")
done

printf '\n== executions\n'
printf '%s\n' "${summary[@]}"
