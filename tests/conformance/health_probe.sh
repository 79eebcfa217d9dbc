#!/usr/bin/env bash
# What Kubernetes, load balancers and Prometheus ask: grpc.health.v1 by grpc-health-probe, and the HTTP sidecar by curl.
# Needs SERVER_GRPC and SERVER_HTTP; run_all.sh sets them.
set -euo pipefail
cd "$(dirname "$0")"
source ./expect.sh

probe() {
  grpc-health-probe -addr "$SERVER_GRPC" -connect-timeout 2s -rpc-timeout 2s "$@" 2>&1
}

# Fetches a path of the sidecar, expects a status, and prints the body. Usage: fetch PATH STATUS
fetch() {
  local body status
  body=$(curl --silent --show-error --max-time 5 --write-out '\n%{http_code}' "$SERVER_HTTP$1" 2>&1) || fail "$1: $body"
  status=${body##*$'\n'}
  body=${body%$'\n'*}
  expect_equal "status of $1" "$2" "$status"
  echo "$body"
}

for service in "" perses.dashboards.v1.DashboardService; do
  answer=$(probe -service "$service") || fail "health of '$service': $answer"
  expect_contains "health of '$service'" "$answer" "status: SERVING"
  ok "'$service' is SERVING"
done

# 3: the call itself was answered with an error, here NOT_FOUND (2 would be: no connection).
code=0
answer=$(probe -service no.such.Service) || code=$?
expect_equal "exit code for an unknown service ($answer)" 3 "$code"
ok "an unknown service is refused"

fetch /live 200 >/dev/null
fetch /ready 200 >/dev/null
fetch /no-such-path 404 >/dev/null
ok "/live and /ready answer 200"

health=$(fetch /api/v1/health 200)
expect_equal "status" healthy "$(json_value status <<<"$health")"
expect_equal "status of the database" pass "$(json_value checks.database.status <<<"$health")"
for key in timestamp version checks.database.response_time_ms \
  checks.database.details.{open,idle,in_use}_connections checks.database.details.wait_count; do
  json_value "$key" <<<"$health" >/dev/null || fail "/api/v1/health lacks $key: $health"
done
ok "/api/v1/health has the agreed shape"

metrics=$(fetch /metrics/health 200)
expect_equal "database_healthy" true "$(json_value database_healthy <<<"$metrics")"
for key in database_response_time_seconds database_open_connections database_in_use_connections \
  database_utilization_percent database_wait_count database_wait_duration_seconds; do
  json_value "$key" <<<"$metrics" >/dev/null || fail "/metrics/health lacks $key: $metrics"
done
ok "/metrics/health has the agreed shape"

exposition=$(fetch /metrics 200)
expect_contains "/metrics" "$exposition" "# TYPE "
if malformed=$(grep -Evn '^(#( |$)|[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? [-+0-9.eEIinfNa]+( [0-9]+)?$|$)' <<<"$exposition"); then
  fail "/metrics has lines that are not Prometheus text: $malformed"
fi
ok "/metrics is Prometheus text"
