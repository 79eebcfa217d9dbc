#!/usr/bin/env bash
# Runs the tests and prints how many lines of src/ they reach, by file and in all. Fails below PERCENT.
# Usage: scripts/coverage.sh PERCENT      (llvm-cov and llvm-profdata: LLVM_COV and LLVM_PROFDATA, or they are found)
set -euo pipefail
cd "$(dirname "$0")/.."

# Tests in files of their own. Generated code lies outside src/, so it is left out anyway.
readonly NOT_COUNTED='/tests\.rs$|/tests/'
readonly REPORT=${CARGO_TARGET_DIR:-target}/coverage.lcov

fail() {
  echo "coverage: $*" >&2
  exit 1
}

# The compiler's profiles are read by an LLVM of its own version: a component of the toolchain, or a package.
find_llvm() {
  local bin major
  bin=$(rustc --print target-libdir)/../bin
  major=$(rustc --version --verbose | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
  if [[ -n ${LLVM_COV:-} && -n ${LLVM_PROFDATA:-} ]] || [[ -x $bin/llvm-cov && -x $bin/llvm-profdata ]]; then
    return
  fi
  if command -v "llvm-cov-$major" >/dev/null && command -v "llvm-profdata-$major" >/dev/null; then
    LLVM_COV=$(command -v "llvm-cov-$major")
    LLVM_PROFDATA=$(command -v "llvm-profdata-$major")
    export LLVM_COV LLVM_PROFDATA
    return
  fi
  if command -v rustup >/dev/null && rustup component add llvm-tools; then
    return
  fi
  fail "llvm-cov of LLVM $major is missing; run 'rustup component add llvm-tools' or install the package llvm-$major"
}

(($# == 1)) || fail "usage: scripts/coverage.sh PERCENT"
find_llvm
mkdir -p "$(dirname "$REPORT")"
# A process that a test kills leaves no profile or a part of one, which must not hide the others.
cargo llvm-cov --locked --failure-mode all --ignore-filename-regex "$NOT_COUNTED" --lcov --output-path "$REPORT"
awk -v percent="$1" -f scripts/coverage.awk "$REPORT"
