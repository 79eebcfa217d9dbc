#!/usr/bin/env bash
# Compares proto/ with the contract that clients have: it may grow, but nothing in it may change or go.
# That contract is, unless PROTO_BASE names another commit, where this branch left main; on main itself the commit before.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly MAIN=${MAIN:-origin/main}

# Prints the commit to compare with, or nothing where there is none (the first commit, a shallow clone).
base_commit() {
  local head fork=""
  if [[ -n ${PROTO_BASE:-} ]]; then
    git rev-parse --verify "$PROTO_BASE^{commit}"
    return
  fi
  head=$(git rev-parse --verify --quiet HEAD) || return 0
  fork=$(git merge-base HEAD "$MAIN" 2>/dev/null || git merge-base HEAD main 2>/dev/null) || true
  if [[ -n $fork && $fork != "$head" ]]; then
    echo "$fork"
  elif [[ -n $(git status --porcelain -- proto) ]]; then
    echo "$head"
  else
    git rev-parse --verify --quiet HEAD~1 || true
  fi
}

base=$(base_commit)
if [[ -z $base ]] || [[ -z $(git ls-tree -r --name-only "$base" -- proto) ]]; then
  echo "breaking changes: nothing to compare with (no earlier commit has a proto/)"
  exit 0
fi

earlier=$(mktemp -d)
trap 'rm -rf "$earlier"' EXIT
git archive "$base" -- proto third_party/googleapis | tar -x -C "$earlier"
cp buf.yaml "$earlier/"
buf breaking --against "$earlier"
echo "breaking changes: none since $(git log -1 --format='%h (%s)' "$base")"
