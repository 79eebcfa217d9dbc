"""Prints a dashboard, the JSON answer of GetDashboard with its spec as nested JSON, as an outline that a person can read."""

import json
import sys
import textwrap


def query_of(panel):
    """The first query of a panel, on one line; none for a panel of text."""
    for query in panel["spec"].get("queries", []):
        return " ".join(query["spec"]["plugin"]["spec"].get("query", "").split())
    return ""


def print_panel(panel):
    display = panel["spec"].get("display", {})
    print("   -", display.get("name", "(no title)"), f"({panel['spec']['plugin']['kind']})")
    details = [display.get("description", ""), query_of(panel)]
    for detail in filter(None, details):
        print(textwrap.shorten(" ".join(detail.split()), 110, placeholder=" …").join(["       ", ""]))


dashboard = json.load(sys.stdin)["dashboard"]
spec = dashboard["spec"]["structured"]
print("  ", dashboard["displayName"], "of", dashboard["name"])
for variable in spec.get("variables", []):
    print("   $" + variable["spec"]["name"], f"({variable['kind']})")
for layout in spec.get("layouts", []):
    print("   [" + layout["spec"].get("display", {}).get("title", "") + "]")
    for item in layout["spec"].get("items", []):
        print_panel(spec["panels"][item["content"]["$ref"].rsplit("/", 1)[-1]])
