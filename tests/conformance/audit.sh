#!/usr/bin/env bash
# The audit log is what docs/audit-format.md says, to code that shares nothing with the service and to openssl.
# Needs SERVER_GRPC and SERVER_DATA_DIR; run_all.sh sets them.
set -euo pipefail
cd "$(dirname "$0")"
source ./expect.sh

readonly SEALED_TIMEOUT_S=60
readonly KEY=$SERVER_DATA_DIR/audit-signing-key.pem

export AUDIT_PUBLIC_KEYS_FILE DB_DIRECT_URL
work_dir=$(mktemp -d)
trap 'rm -rf "$work_dir"' EXIT
AUDIT_PUBLIC_KEYS_FILE=$work_dir/public.pem
DB_DIRECT_URL="host='$SERVER_DATA_DIR/socket' user=dashboard_store dbname=perses_dashboard password='$(cat "$SERVER_DATA_DIR/password")'"

# Waits until every event is sealed, and sets answer to what the verification says.
wait_until_sealed() {
  local deadline=$((SECONDS + SEALED_TIMEOUT_S))
  until answer=$("$DASHBOARD_STORE" audit verify 2>&1) && [[ $answer == *"0 events are not sealed yet"* ]]; do
    ((SECONDS < deadline)) || fail "events are not sealed: $answer"
    sleep 0.2
  done
}

answer=$(./audit_format.py audit_vectors.json) || fail "the examples: $answer"
ok "$answer"

openssl pkey -in "$KEY" -pubout -out "$AUDIT_PUBLIC_KEYS_FILE" || fail "openssl does not take the key of the service"
ok "openssl takes the key of the service"

call CreateDashboard '{"parent": "projects/conformance", "dashboard_id": "audit-'"$(date +%s)-$$"'",
  "dashboard": {"spec": {"structured": {"display": {"name": "Audit"}, "panels": {}}}}}' >/dev/null
wait_until_sealed
head=$(sed -n 's/^head: //p' <<<"$answer")
ok "the service has sealed what it wrote"

"$DASHBOARD_STORE" audit export "$work_dir/audit.jsonl" >/dev/null || fail "no export"
answer=$(./audit_format.py "$work_dir/audit.jsonl" "$AUDIT_PUBLIC_KEYS_FILE") || fail "the export: $answer"
ok "$answer, to others too"

head -n -1 "$work_dir/audit.jsonl" >"$work_dir/cut.jsonl"
code=0
answer=$(./audit_format.py "$work_dir/cut.jsonl" "$AUDIT_PUBLIC_KEYS_FILE" 2>&1) || code=$?
expect_equal "exit code for an export that was cut off" 1 "$code"
ok "others refuse an export that was cut off, too: $answer"

# Events of a month long past come after those of today: so their seal does, and stays when retention drops the month.
psql=$(dirname "$(sed 's/ .*//' "$SERVER_DATA_DIR/cluster/postmaster.opts")")/psql
"$psql" -Xq -v ON_ERROR_STOP=1 -d "$DB_DIRECT_URL" <<'END' || fail "no events of a month long past"
CREATE TABLE audit_log_2019_01 (LIKE audit_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
ALTER TABLE audit_log ATTACH PARTITION audit_log_2019_01 FOR VALUES FROM ('2019-01-01T00:00:00Z') TO ('2019-02-01T00:00:00Z');
INSERT INTO audit_log (event_time, actor, auth_method, method, permission, resource, correlation_id)
    SELECT '2019-01-10T00:00:00Z', 'user:ada', 'jwt', 'test', 'test', 'tests/' || n, gen_random_uuid() FROM generate_series(1, 3) AS n;
END
wait_until_sealed
answer=$("$DASHBOARD_STORE" maintain --audit-signing-key-file "$KEY" 2>&1) || fail "maintain: $answer"
wait_until_sealed
expect_contains "verification behind retention" "$answer" "events from before 2019-02 are no longer kept"
"$DASHBOARD_STORE" audit export "$work_dir/dropped.jsonl" >/dev/null || fail "no export behind retention"
expect_equal "seals over the month that was dropped" 1 "$(grep -c '"type":"seal".*"month":"2019-01"' "$work_dir/dropped.jsonl")"
"$DASHBOARD_STORE" audit verify "$work_dir/dropped.jsonl" >/dev/null || fail "verification of the export behind retention"
answer=$(./audit_format.py "$work_dir/dropped.jsonl" "$AUDIT_PUBLIC_KEYS_FILE") || fail "the export behind retention: $answer"
ok "$answer, without those that retention dropped from under a late seal"

unset DB_DIRECT_URL
answer=$("$DASHBOARD_STORE" audit verify "$work_dir/audit.jsonl" --expected-head "$head") || fail "offline: $answer"
expect_contains "verification of the export" "$answer" "the expected head is among the seals"
ok "an export is verified offline against a head"

sed -i '0,/"actor":"user:/s//"actor":"user:x/' "$work_dir/audit.jsonl"
code=0
answer=$("$DASHBOARD_STORE" audit verify "$work_dir/audit.jsonl" 2>&1) || code=$?
expect_equal "exit code for an edited export ($answer)" 3 "$code"
ok "an edited event is found out: $answer"
