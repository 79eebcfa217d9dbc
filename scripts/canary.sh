#!/usr/bin/env bash
# Runs the Rust tests, records all that comes out of the services in them, and searches it for the secrets that the tests
# have made. Arguments go to `cargo test`: scripts/canary.sh --test it -- sharing::
# Keeps the record where CANARY_DIR names a directory for it.
set -euo pipefail
cd "$(dirname "$0")/.."

search=canary::run::a_run_of_all_tests_leaves_secrets_where_they_are_meant_to_be_and_nowhere_else

directory=${CANARY_DIR:-}
if [[ -z $directory ]]; then
  directory=$(mktemp -d "${TMPDIR:-/tmp}/dashboard-store-canary-XXXXXX")
  # The databases of a run that fails are still being stopped then.
  trap 'wait_for_databases; rm -rf "$directory"' EXIT
elif [[ -e $directory/secrets ]]; then
  echo "$directory holds the record of a run already; remove it first" >&2
  exit 1
fi
mkdir -p "$directory"
directory=$(realpath "$directory")
# As root, PostgreSQL runs as another user, who must get through.
chmod 0711 "$directory"

wait_for_databases() {
  for _ in {1..20}; do
    ls "$directory"/run/*/cluster/postmaster.pid >/dev/null 2>&1 || return 0
    sleep 0.5
  done
}

CANARY_DIR=$directory cargo test --locked "$@"
wait_for_databases
# Of a part of the tests, not everything that is meant to be there must be.
if (($# == 0)); then export CANARY_WHOLE=1; fi
CANARY_SEARCH=$directory cargo test --locked --test it -- --exact --include-ignored --nocapture "$search"
