# shellcheck shell=bash disable=SC2154
# A dashboard is created, changed by two people at once, looked into, restored, deleted and brought back. Sourced by ../demo.sh.

readonly NAME=$TOUR/dashboards/gpu

# A document with one panel. Usage: spec TITLE QUERY
spec() {
  printf '{"display":{"name":"%s"},"panels":{"gpu":{"kind":"Panel","spec":{"plugin":{"kind":"TimeSeriesChart","spec":{}},"queries":[{"kind":"TimeSeriesQuery","spec":{"plugin":{"kind":"PrometheusTimeSeriesQuery","spec":{"query":"%s"}}}}]}}},"layouts":[{"kind":"Grid","spec":{"items":[{"x":0,"y":0,"width":24,"height":8,"content":{"$ref":"#/spec/panels/gpu"}}]}}]}' "$1" "$2"
}

chapter "The history of a dashboard"

step "Who runs the server makes Ada the project's admin; she lets Grace and GitOps change its dashboards"
rpc ShareService/GrantAccess "{\"parent\":\"$TOUR\",\"access_grant\":{\"subject\":\"user:ada\",\"role\":\"ROLE_ADMIN\"}}" -
tell subject accessGrant.subject role accessGrant.role
for colleague in grace argocd; do
  rpc ShareService/GrantAccess "{\"parent\":\"$TOUR\",\"access_grant\":{\"subject\":\"user:$colleague\",\"role\":\"ROLE_EDITOR\"}}"
  tell subject accessGrant.subject role accessGrant.role
done

step "Ada creates a dashboard"
rpc DashboardService/CreateDashboard "{\"parent\":\"$TOUR\",\"dashboard_id\":\"gpu\",\"change_note\":\"first draft\",\"dashboard\":{\"tags\":[\"gpu\"],\"spec\":{\"structured\":$(spec "GPU use" "avg(DCGM_FI_DEV_GPU_UTIL)")}}}"
tell name dashboard.name revision dashboard.revision etag dashboard.etag
first_etag=$(json_value dashboard.etag <<<"$answer")

step "A document with mistakes is refused, with all of them and where they are"
refused DashboardService/CreateDashboard "{\"parent\":\"$TOUR\",\"dashboard_id\":\"broken\",\"dashboard\":{\"spec\":{\"structured\":{\"duration\":\"soon\",\"panels\":{\"a b\":{\"kind\":\"Panel\",\"spec\":{\"plugin\":{\"kind\":\"\"}}}},\"layouts\":[{\"kind\":\"Grid\",\"spec\":{\"items\":[{\"content\":{\"\$ref\":\"#/spec/panels/none\"}}]}}]}}}}"
tell_error

step "Grace changes the query"
rpc DashboardService/UpdateDashboard "{\"dashboard\":{\"name\":\"$NAME\",\"etag\":\"$first_etag\",\"spec\":{\"structured\":$(spec "GPU use" "max(DCGM_FI_DEV_GPU_UTIL)")}},\"update_mask\":{\"paths\":[\"spec\"]},\"change_note\":\"peaks matter\"}" grace
tell revision dashboard.revision updated_by dashboard.updatedBy

step "Ada, who has not seen that, changes it too: she overwrites nothing"
refused DashboardService/UpdateDashboard "{\"dashboard\":{\"name\":\"$NAME\",\"etag\":\"$first_etag\",\"tags\":[\"gpu\",\"ada\"]}}"
tell_error

step "The history"
rpc DashboardService/ListDashboardRevisions "{\"parent\":\"$NAME\"}"
printf '%s' "$answer" | python3 -c '
import json, sys
for revision in json.load(sys.stdin)["revisions"]:
    print("   revision", revision["revision"], "by", revision["author"] + ":", revision.get("changeNote", ""))
'

step "What changed between revisions 1 and 2, as a JSON patch"
rpc DashboardService/DiffDashboardRevisions "{\"name\":\"$NAME\",\"from_revision\":1,\"to_revision\":2}"
tell patch jsonPatch

step "Ada restores revision 1, as revision 3"
rpc DashboardService/RestoreDashboardRevision "{\"name\":\"$NAME/revisions/1\",\"etag\":\"*\",\"change_note\":\"the average after all\"}"
tell revision dashboard.revision sha256 dashboard.specSha256
restored_etag=$(json_value dashboard.etag <<<"$answer")

step "GitOps applies the same content: nothing is written"
rpc DashboardService/ApplyDashboard "{\"dashboard\":{\"name\":\"$NAME\",\"tags\":[\"gpu\"],\"spec\":{\"structured\":$(spec "GPU use" "avg(DCGM_FI_DEV_GPU_UTIL)")}}}" argocd
tell outcome outcome revision dashboard.revision

step "Ada deletes it: it leaves the list, and its name stays taken"
rpc DashboardService/DeleteDashboard "{\"name\":\"$NAME\",\"etag\":\"$restored_etag\"}"
tell state dashboard.state purge_time dashboard.purgeTime
deleted_etag=$(json_value dashboard.etag <<<"$answer")
refused DashboardService/CreateDashboard "{\"parent\":\"$TOUR\",\"dashboard_id\":\"gpu\",\"dashboard\":{\"spec\":{\"structured\":{\"panels\":{}}}}}"
tell_error

step "She brings it back, with its history"
rpc DashboardService/UndeleteDashboard "{\"name\":\"$NAME\",\"etag\":\"$deleted_etag\"}"
tell state dashboard.state revision dashboard.revision

step "A list by filter"
rpc DashboardService/ListDashboards "{\"parent\":\"$TOUR\",\"filter\":\"name:gpu AND tags:gpu\"}"
tell first dashboards.0.name display_name dashboards.0.displayName
