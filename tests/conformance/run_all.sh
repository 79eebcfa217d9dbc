#!/usr/bin/env bash
# Starts the service on a database of its own and lets foreign clients at it: one script each in this folder.
# `make test-conformance` builds the binary, installs the clients, and calls this. Further parts: add them to PARTS.
set -euo pipefail
cd "$(dirname "$0")"

readonly PARTS=(grpcurl health_probe golang_migrate corpus audit)
readonly SKIPPED=77

export PATH=$PWD/../../.tools/bin:$PATH
export DASHBOARD_STORE=${DASHBOARD_STORE:-$PWD/../../target/debug/dashboard-store}
source ./server.sh

passed=0 failed=0 skipped=0

# Runs one part, shows what it prints, and counts it.
run_part() {
  local part=$1 code=0 started=$SECONDS
  shift
  "$@" >"$work_dir/$part.log" 2>&1 </dev/null || code=$?
  case $code in
    0) passed=$((passed + 1)) verdict=passed ;;
    "$SKIPPED") skipped=$((skipped + 1)) verdict=skipped ;;
    *) failed=$((failed + 1)) verdict="FAILED (exit code $code)" ;;
  esac
  printf '%s: %s in %d s\n' "$part" "$verdict" $((SECONDS - started))
  sed 's/^/    /' "$work_dir/$part.log"
}

clean_up() {
  stop_server >/dev/null || true
  rm -rf "$work_dir"
}

if [[ ! -x $DASHBOARD_STORE ]]; then
  echo "no binary at $DASHBOARD_STORE: build it first (cargo build), or run make test-conformance"
  exit 1
fi
for client in grpcurl grpc-health-probe migrate curl openssl python3; do
  if ! command -v "$client" >/dev/null; then
    echo "$client is not on PATH: run make test-conformance, which installs what it can"
    exit 1
  fi
done

# The service under test is configured here and nowhere else.
unset "${!DB_@}" "${!AUDIT_@}" DATABASE_URL KUBERNETES_SERVICE_HOST GRPC_ADDR HTTP_ADDR DATA_DIR

work_dir=$(mktemp -d)
trap clean_up EXIT
# As root, the service lets PostgreSQL run as another user, who has to get at the data directory.
chmod 755 "$work_dir"

export SERVER_DATA_DIR=$work_dir/data
start_server "$work_dir/server" --data-dir "$SERVER_DATA_DIR"
wait_until_serving
export SERVER_GRPC=$grpc_addr SERVER_HTTP=$http_url
echo "the service listens at $SERVER_GRPC and $SERVER_HTTP"

for part in "${PARTS[@]}"; do
  run_part "$part" "./$part.sh"
done
if ((failed > 0)); then
  show_server_log "parts failed"
fi
run_part graceful_stop stop_server

echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
