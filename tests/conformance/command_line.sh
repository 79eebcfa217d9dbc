#!/usr/bin/env bash
# Real Perses dashboards go in by `dashboard-store import`, all files by one command; a second run finds each unchanged; what
# `export` writes goes into an empty service, and its export is the same tree, byte for byte. The dashboards are those of corpus.sh.
# Needs SERVER_GRPC and DASHBOARD_STORE; run_all.sh sets them.
set -euo pipefail
cd "$(dirname "$0")"
source ./expect.sh
source ./server.sh

beside_checkout=$(cd ../../.. && pwd)/shared/corpus
readonly CORPUS=${DASHBOARD_CORPUS:-$beside_checkout}
readonly SKIPPED=77

# The corpus has the same dashboards as native and as custom resources, and one in both versions of those: their names stand once
# in a project, so paths tell them apart.
readonly PLACES=(--project corpus-rest --project-for '*__operator__*=corpus-operator' --project-for '*__v1alpha1__*=corpus-v1alpha1')

if [[ ! -d $CORPUS ]]; then
  echo "skipped: there is no folder $CORPUS; set DASHBOARD_CORPUS to one with Perses dashboards in YAML"
  exit "$SKIPPED"
fi

work_dir=$(mktemp -d)
trap 'stop_server >/dev/null || true; rm -rf "$work_dir"' EXIT
chmod 755 "$work_dir"

# Runs a command against a service, and prints what it prints. Usage: store HOST:PORT ARGUMENT...
store() {
  local address=$1 output
  shift
  output=$(DASHBOARD_STORE_ADDR=http://$address "$DASHBOARD_STORE" "$@" 2>&1) || fail "dashboard-store $*: $output"
  echo "$output"
}

files=$(find "$CORPUS" -name '*.yaml' | wc -l)
output=$(store "$SERVER_GRPC" import "${PLACES[@]}" "$CORPUS")
expect_contains "summary" "$output" ", 0 refused"
ok "import takes $files files by one command"

output=$(store "$SERVER_GRPC" import "${PLACES[@]}" "$CORPUS")
expect_equal "unchanged in a second run" "$files" "$(grep -c '^unchanged ' <<<"$output")"
ok "a second run finds each unchanged"

# Exports hold what other parts have written, too.
store "$SERVER_GRPC" export "$work_dir/first" >/dev/null
start_server "$work_dir/server" --data-dir "$work_dir/data" || fail "no second service starts"
wait_until_serving || fail "the second service does not serve"
store "$grpc_addr" import "$work_dir/first" >/dev/null
store "$grpc_addr" export "$work_dir/second" >/dev/null
difference=$(diff -r "$work_dir/first" "$work_dir/second" 2>&1) || fail "the trees differ: $difference"
ok "exported, imported into an empty service and exported again, the trees are byte-equal"
stop_server || fail "the second service does not stop"
