#!/usr/bin/env bash
# Compares proto/ with the contract that clients have: it may grow, but nothing in it may change or go.
# That contract is where this branch left main; on main itself it is the newest release (tag v*), or before the first one the
# commit before. PROTO_BASE names another commit. A break that is meant is announced in the message of its commit, by a line
# `BREAKING CHANGE: what, and what callers do about it`.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/.tools/bin:$PATH

# Prints the commit to compare with, or nothing where there is none (the first commit, a shallow clone).
base_commit() {
  local head fork
  if [[ -n ${PROTO_BASE:-} ]]; then
    git rev-parse --verify "$PROTO_BASE^{commit}"
    return
  fi
  head=$(git rev-parse --verify --quiet HEAD) || return 0
  fork=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null) || fork=$head
  if [[ $fork != "$head" ]]; then
    echo "$fork"
  else
    git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || git rev-parse --verify --quiet HEAD~1 || true
  fi
}

base=$(base_commit)
if [[ -z $base ]] || [[ -z $(git ls-tree -r --name-only "$base" -- proto) ]]; then
  echo "breaking changes: nothing to compare with (no earlier commit has a proto/)"
  exit 0
fi
compared_with=$(git log -1 --format='%h (%s)' "$base")

earlier=$(mktemp -d)
trap 'rm -rf "$earlier"' EXIT
git archive "$base" -- proto third_party buf.yaml | tar -x -C "$earlier"
# Only our module is compared: buf refuses workspaces whose modules differ in number, and what is vendored comes and goes.
if buf breaking proto --against "$earlier/proto"; then
  echo "breaking changes: none since $compared_with"
elif git log --format=%B "$base..HEAD" | grep '^BREAKING CHANGE: '; then
  echo "breaking changes: the above since $compared_with, announced"
else
  echo "breaking changes: the above since $compared_with; callers depend on what was there"
  exit 1
fi
