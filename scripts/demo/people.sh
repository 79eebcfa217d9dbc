# shellcheck shell=bash disable=SC2154
# Dashboards are made of templates, found by a metric, and brought in from files. Sourced by ../demo.sh.

# Prints the dashboard of the answer as a person would read it.
tell_dashboard() {
  python3 scripts/demo/outline.py <<<"$answer"
}

chapter "Templates, search and files"

step "Four templates come with the service"
rpc TemplateService/ListTemplates '{"parent":"projects/-","filter":"is_system = true"}'
python3 -c '
import json, sys
for template in json.load(sys.stdin)["templates"]:
    parameters = ", ".join(parameter["name"] for parameter in template["parameters"])
    print("  ", template["name"] + ":", template["displayName"], f"({parameters})")
' <<<"$answer"

step "Ada makes a dashboard of each for her project"
for template in model-serving training-job notebook-server data-pipeline; do
  rpc TemplateService/InstantiateTemplate "{\"name\":\"templates/$template\",\"parent\":\"$TOUR\",\"dashboard_id\":\"$template\",\"parameters\":{\"title\":\"Ada's $template\",\"namespace\":\"demo\"},\"tags\":[\"ada\"]}"
  tell name dashboard.name made_of dashboard.templateOrigin.template
done

step "A value that a parameter does not take is refused before anything is made"
refused TemplateService/InstantiateTemplate "{\"name\":\"templates/model-serving\",\"parent\":\"$TOUR\",\"dashboard_id\":\"wrong\",\"parameters\":{\"error_percent\":101,\"colour\":\"red\"}}"
tell_error

step "What is on one of them"
rpc DashboardService/GetDashboard "{\"name\":\"$TOUR/dashboards/model-serving\",\"spec_format\":\"SPEC_FORMAT_STRUCTURED\"}"
tell_dashboard

step "An operator brings dashboards over from files; first he looks what would happen"
"$DASHBOARD_STORE" import --addr "http://$address" --dry-run --project "$PROJECT" scripts/demo/dashboards | sed 's/^/   /'

step "Then he does it, and again: the second time nothing is written"
"$DASHBOARD_STORE" import --addr "http://$address" --project "$PROJECT" scripts/demo/dashboards | sed 's/^/   /'
"$DASHBOARD_STORE" import --addr "http://$address" --project "$PROJECT" scripts/demo/dashboards | sed 's/^/   /'

step "Before a metric is renamed: who uses it?"
rpc DashboardService/SearchDashboards "{\"parent\":\"$TOUR\",\"query\":\"DCGM_FI_DEV_GPU_UTIL\"}"
python3 -c '
import json, sys
for result in json.load(sys.stdin)["results"]:
    print("  ", result["dashboard"]["name"], "by", ", ".join(result["matchedFields"]))
' <<<"$answer"

step "Everything can go back to files, as Perses keeps them"
export_dir=$(mktemp -d)
"$DASHBOARD_STORE" export --addr "http://$address" --project "$PROJECT" "$export_dir/perses" | sed 's/^/   /'
(cd "$export_dir" && find perses -type f | sort | sed 's/^/   /')
rm -rf "$export_dir"
