#!/usr/bin/env bash
# Plain grpcurl finds its way by reflection alone, and a dashboard makes the round trip.
# grpcurl writes a FieldMask as an object with `paths`, not as the string of proto3 JSON.
# Needs SERVER_GRPC; run_all.sh sets it.
set -euo pipefail
cd "$(dirname "$0")"
source ./expect.sh

readonly SERVICE=perses.dashboards.v1.DashboardService
readonly PROJECT=projects/conformance
# A fresh name, so that the part can run again on the same database.
dashboard_id=grpcurl-$(date +%s)-$$
readonly dashboard_id
readonly name=$PROJECT/dashboards/$dashboard_id

describe() {
  local description
  description=$(grpcurl -plaintext "$SERVER_GRPC" describe "$1" 2>&1) || fail "describe $1: $description"
  echo "$description"
}

services=$(grpcurl -plaintext "$SERVER_GRPC" list 2>&1) || fail "list: $services"
expect_contains "list" "$services" "$SERVICE"
expect_contains "list" "$services" grpc.health.v1.Health
ok "reflection lists the services"

description=$(describe "$SERVICE")
for method in CreateDashboard GetDashboard ListDashboards UpdateDashboard DeleteDashboard; do
  expect_contains "describe $SERVICE" "$description" "rpc $method ("
done
for symbol in perses.dashboards.v1.Dashboard perses.dashboards.v1.ErrorReason google.protobuf.Struct; do
  description=$(describe "$symbol")
  expect_contains "describe $symbol" "$description" "$symbol is a"
done
ok "reflection describes services, messages, enums and what they import"

answer=$(call CreateDashboard '{
  "parent": "'"$PROJECT"'",
  "dashboard_id": "'"$dashboard_id"'",
  "change_note": "from grpcurl",
  "dashboard": {
    "tags": ["conformance"],
    "spec": {
      "structured": {"display": {"name": "Written by grpcurl"}, "panels": {}, "layouts": [], "duration": "1h"}
    }
  }
}')
expect_equal "created name" "$name" "$(json_value dashboard.name <<<"$answer")"
expect_equal "created revision" 1 "$(json_value dashboard.revision <<<"$answer")"
expect_equal "created display name" "Written by grpcurl" "$(json_value dashboard.displayName <<<"$answer")"
first_etag=$(json_value dashboard.etag <<<"$answer")
ok "CreateDashboard takes nested JSON"

answer=$(call GetDashboard '{"name": "'"$name"'", "spec_format": "SPEC_FORMAT_STRUCTURED"}')
expect_equal "read duration" 1h "$(json_value dashboard.spec.structured.duration <<<"$answer")"
expect_equal "read etag" "$first_etag" "$(json_value dashboard.etag <<<"$answer")"
ok "GetDashboard answers nested JSON"

answer=$(call ListDashboards '{
  "parent": "'"$PROJECT"'",
  "filter": "tags:\"conformance\"",
  "order_by": "create_time desc"
}')
expect_contains "listed" "$answer" "$name"
ok "ListDashboards finds it by a filter"

readonly TWO_HOURS='{ "panels": {}, "layouts": [], "duration": "2h" }'
answer=$(call UpdateDashboard '{
  "dashboard": {
    "name": "'"$name"'",
    "etag": '"$(json_string "$first_etag")"',
    "spec": {"json": '"$(json_string "$TWO_HOURS")"'}
  },
  "update_mask": {"paths": ["spec"]},
  "change_note": "two hours"
}')
expect_equal "updated revision" 2 "$(json_value dashboard.revision <<<"$answer")"
second_etag=$(json_value dashboard.etag <<<"$answer")
answer=$(call GetDashboard '{"name": "'"$name"'"}')
expect_equal "text read back" "$TWO_HOURS" "$(json_value dashboard.spec.json <<<"$answer")"
ok "UpdateDashboard takes JSON text and keeps it as it was written"

expect_error UpdateDashboard '{
  "dashboard": {"name": "'"$name"'", "etag": '"$(json_string "$first_etag")"', "tags": ["late"]},
  "update_mask": {"paths": ["tags"]}
}' 10 ETAG_MISMATCH
expect_error UpdateDashboard '{
  "dashboard": {"name": "'"$name"'", "tags": ["late"]},
  "update_mask": {"paths": ["tags"]}
}' 3 ETAG_REQUIRED
expect_error GetDashboard '{"name": "'"$PROJECT"'/dashboards/no-such-dashboard"}' 5 DASHBOARD_NOT_FOUND
expect_error CreateDashboard '{
  "parent": "'"$PROJECT"'",
  "dashboard_id": "'"$dashboard_id"'",
  "dashboard": {"spec": {"json": '"$(json_string "$TWO_HOURS")"'}}
}' 6 DASHBOARD_EXISTS
ok "errors carry code, domain and reason"

answer=$(call DeleteDashboard '{"name": "'"$name"'", "etag": '"$(json_string "$second_etag")"'}')
expect_equal "deleted state" DASHBOARD_STATE_DELETED "$(json_value dashboard.state <<<"$answer")"
answer=$(call ListDashboards '{"parent": "'"$PROJECT"'"}')
[[ $answer != *"$name"* ]] || fail "ListDashboards shows a deleted dashboard unasked: $answer"
answer=$(call ListDashboards '{"parent": "'"$PROJECT"'", "show_deleted": true, "order_by": "create_time desc"}')
expect_contains "listed with show_deleted" "$answer" "$name"
ok "DeleteDashboard hides it, show_deleted shows it"
