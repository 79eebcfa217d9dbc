#!/usr/bin/env bash
# A tour of the service with real calls: a dashboard is created, changed by two people at once, looked into, restored,
# deleted and brought back. Runs against DASHBOARD_STORE_ADDR (host:port), or against a server of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=tests/conformance/server.sh
source tests/conformance/server.sh
# shellcheck source=tests/conformance/expect.sh
source tests/conformance/expect.sh

readonly SERVICE=perses.dashboards.v1.DashboardService
readonly ID=demo-$(date +%s)-$$
readonly NAME=projects/demo/dashboards/$ID

if [[ -t 1 ]]; then
  bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
else
  bold="" dim="" plain=""
fi

step() {
  step_number=$((${step_number:-0} + 1))
  printf '\n%s%d. %s%s\n' "$bold" "$step_number" "$1" "$plain"
}

# Shows a call on one line; a long request is cut, what matters of it stands in the title of the step.
show_call() {
  local request=$2
  ((${#request} <= 160)) || request=${request:0:160}…
  printf '%s   %s %s%s\n' "$dim" "$1" "$request" "$plain"
}

# Makes a call that succeeds; its answer is in $answer. Usage: rpc METHOD REQUEST [HEADER]
rpc() {
  show_call "$1" "$2"
  answer=$(grpcurl -plaintext -H "x-remote-user: ${3:-ada}" -d "$2" "$address" "$SERVICE/$1")
}

# Makes a call that fails as it should; the error is in $answer. Usage: refused METHOD REQUEST [USER]
refused() {
  show_call "$1" "$2"
  if answer=$(grpcurl -plaintext -format-error -H "x-remote-user: ${3:-ada}" -d "$2" "$address" "$SERVICE/$1" 2>&1); then
    echo "expected an error, got: $answer" >&2
    exit 1
  fi
}

# Prints some values of the answer. Usage: tell LABEL PATH [LABEL PATH]...
tell() {
  while (($# > 0)); do
    printf '   %-12s %s\n' "$1" "$(json_value "$2" <<<"$answer")"
    shift 2
  done
}

# Prints an error as a person would read it.
tell_error() {
  printf '%s' "$answer" | python3 -c '
import json, sys
error = json.load(sys.stdin)
print("   refused     ", error["message"])
for detail in error.get("details", []):
    if detail["@type"].endswith("ErrorInfo"):
        facts = ", ".join(f"{key} {value}" for key, value in sorted(detail.get("metadata", {}).items()))
        print("   reason      ", detail["reason"], f"({facts})" if facts else "")
    for violation in detail.get("fieldViolations", []):
        print("   at          ", violation["field"] + ":", violation["description"])
'
}

spec() {
  printf '{"display":{"name":"%s"},"panels":{"gpu":{"kind":"Panel","spec":{"plugin":{"kind":"TimeSeriesChart","spec":{}},"queries":[{"kind":"TimeSeriesQuery","spec":{"plugin":{"kind":"PrometheusTimeSeriesQuery","spec":{"query":"%s"}}}}]}}},"layouts":[{"kind":"Grid","spec":{"items":[{"x":0,"y":0,"width":24,"height":8,"content":{"$ref":"#/spec/panels/gpu"}}]}}]}' "$1" "$2"
}

if [[ -n ${DASHBOARD_STORE_ADDR:-} ]]; then
  address=$DASHBOARD_STORE_ADDR
else
  scratch=$(mktemp -d)
  # PostgreSQL refuses to run as root, and then its user has to get in here.
  chmod 755 "$scratch"
  trap 'stop_server; rm -rf "$scratch"' EXIT
  echo "starting a server of our own (set DASHBOARD_STORE_ADDR to use one that runs)"
  start_server "$scratch/server" --data-dir "$scratch/data" --bootstrap-admins user:ada,user:grace
  until grpcurl -plaintext -max-time 1 "$grpc_addr" grpc.health.v1.Health/Check 2>/dev/null | grep -q '"SERVING"'; do
    kill -0 "$server_pid"
    sleep 0.2
  done
  address=$grpc_addr
fi
echo "dashboard-store at $address"

step "Ada creates a dashboard"
rpc CreateDashboard "{\"parent\":\"projects/demo\",\"dashboard_id\":\"$ID\",\"change_note\":\"first draft\",\"dashboard\":{\"tags\":[\"gpu\"],\"spec\":{\"structured\":$(spec "GPU use" "avg(DCGM_FI_DEV_GPU_UTIL)")}}}"
tell name dashboard.name revision dashboard.revision etag dashboard.etag
first_etag=$(json_value dashboard.etag <<<"$answer")

step "A document with mistakes is refused, with all of them and where they are"
refused CreateDashboard "{\"parent\":\"projects/demo\",\"dashboard_id\":\"$ID-broken\",\"dashboard\":{\"spec\":{\"structured\":{\"duration\":\"soon\",\"panels\":{\"a b\":{\"kind\":\"Panel\",\"spec\":{\"plugin\":{\"kind\":\"\"}}}},\"layouts\":[{\"kind\":\"Grid\",\"spec\":{\"items\":[{\"content\":{\"\$ref\":\"#/spec/panels/none\"}}]}}]}}}}"
tell_error

step "Grace changes the query"
rpc UpdateDashboard "{\"dashboard\":{\"name\":\"$NAME\",\"etag\":\"$first_etag\",\"spec\":{\"structured\":$(spec "GPU use" "max(DCGM_FI_DEV_GPU_UTIL)")}},\"update_mask\":{\"paths\":[\"spec\"]},\"change_note\":\"peaks matter\"}" grace
tell revision dashboard.revision updated_by dashboard.updatedBy

step "Ada, who has not seen that, changes it too: she overwrites nothing"
refused UpdateDashboard "{\"dashboard\":{\"name\":\"$NAME\",\"etag\":\"$first_etag\",\"tags\":[\"gpu\",\"ada\"]}}"
tell_error

step "The history"
rpc ListDashboardRevisions "{\"parent\":\"$NAME\"}"
printf '%s' "$answer" | python3 -c '
import json, sys
for revision in json.load(sys.stdin)["revisions"]:
    print("   revision", revision["revision"], "by", revision["author"] + ":", revision.get("changeNote", ""))
'

step "What changed between revisions 1 and 2, as a JSON patch"
rpc DiffDashboardRevisions "{\"name\":\"$NAME\",\"from_revision\":1,\"to_revision\":2}"
tell patch jsonPatch

step "Ada restores revision 1, as revision 3"
rpc RestoreDashboardRevision "{\"name\":\"$NAME/revisions/1\",\"etag\":\"*\",\"change_note\":\"the average after all\"}"
tell revision dashboard.revision sha256 dashboard.specSha256
restored_etag=$(json_value dashboard.etag <<<"$answer")

step "GitOps applies the same content: nothing is written"
rpc ApplyDashboard "{\"dashboard\":{\"name\":\"$NAME\",\"tags\":[\"gpu\"],\"spec\":{\"structured\":$(spec "GPU use" "avg(DCGM_FI_DEV_GPU_UTIL)")}}}" argocd
tell outcome outcome revision dashboard.revision

step "Ada deletes it: it leaves the list, and its name stays taken"
rpc DeleteDashboard "{\"name\":\"$NAME\",\"etag\":\"$restored_etag\"}"
tell state dashboard.state purge_time dashboard.purgeTime
deleted_etag=$(json_value dashboard.etag <<<"$answer")
refused CreateDashboard "{\"parent\":\"projects/demo\",\"dashboard_id\":\"$ID\",\"dashboard\":{\"spec\":{\"structured\":{\"panels\":{}}}}}"
tell_error

step "She brings it back, with its history"
rpc UndeleteDashboard "{\"name\":\"$NAME\",\"etag\":\"$deleted_etag\"}"
tell state dashboard.state revision dashboard.revision

step "A list by filter"
rpc ListDashboards "{\"parent\":\"projects/demo\",\"filter\":\"name:\\\"$ID\\\" AND tags:gpu\"}"
tell first dashboards.0.name display_name dashboards.0.displayName

echo
echo "done"
