#!/usr/bin/env bash
# golang-migrate brings an empty database up, down and up again with the files of migrations/, and the service serves on what it
# made. Needs SERVER_DATA_DIR, the data directory of a running service: the database `postgres` of its PostgreSQL, which the service
# itself does not use, is the empty one.
set -euo pipefail
cd "$(dirname "$0")"
source ./expect.sh
source ./server.sh

readonly MIGRATIONS=../../migrations
readonly DATABASE=postgres
readonly DATABASE_USER=dashboard_store

# Prints a line of what PostgreSQL says about itself: 4 is the port, 5 the folder of its socket.
postmaster_line() {
  sed -n "$1p" "$SERVER_DATA_DIR/cluster/postmaster.pid"
}

[[ -f $SERVER_DATA_DIR/cluster/postmaster.pid ]] || fail "no PostgreSQL runs in $SERVER_DATA_DIR"
port=$(postmaster_line 4)
socket_dir=$(postmaster_line 5)
url="pgx5://$DATABASE_USER:$(<"$SERVER_DATA_DIR/password")@/$DATABASE?host=$socket_dir&port=$port&sslmode=disable"

golang_migrate() {
  local output
  output=$(migrate -path "$MIGRATIONS" -database "$url" "$@" 2>&1) || fail "migrate $*: $output"
  echo "$output"
}

newest=$(find "$MIGRATIONS" -name '*.up.sql' | sed 's|.*/0*||; s|_.*||' | sort -n | tail -n 1)
[[ -n $newest ]] || fail "$MIGRATIONS has no migration"

golang_migrate up >/dev/null
expect_equal "version after up" "$newest" "$(golang_migrate version)"
golang_migrate down -all >/dev/null
golang_migrate up >/dev/null
expect_equal "version after up, down and up" "$newest" "$(golang_migrate version)"
ok "golang-migrate goes up, down and up to version $newest"

work_dir=$(mktemp -d)
trap 'stop_server >/dev/null || true; rm -rf "$work_dir"' EXIT
export DB_HOST=$socket_dir DB_PORT=$port DB_NAME=$DATABASE DB_USER=$DATABASE_USER DB_PASSWORD_FILE=$SERVER_DATA_DIR/password
start_server "$work_dir/server" --insecure-dev || fail "the service does not start on what golang-migrate made"
wait_until_serving || fail "the service does not serve on what golang-migrate made"
export SERVER_GRPC=$grpc_addr
call CreateDashboard '{
  "parent": "projects/conformance",
  "dashboard_id": "on-golang-migrate",
  "dashboard": {"spec": {"structured": {"panels": {}, "layouts": [], "duration": "1h"}}}
}' >/dev/null
stop_server || fail "the service does not stop"
ok "the service serves, and writes, on what golang-migrate made"
