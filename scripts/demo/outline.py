"""Prints a dashboard, the JSON answer of GetDashboard with its spec as nested JSON, as an outline that a person can read."""

import json
import sys
import textwrap

WIDTH = 110


def query_of(panel):
    """The first query of a panel, on one line; none for a panel of text."""
    for query in panel["spec"].get("queries", []):
        return " ".join(query["spec"]["plugin"]["spec"].get("query", "").split())
    return ""


def print_panel(panel):
    display = panel["spec"].get("display", {})
    print("   -", display.get("name", "(no title)"), f"({panel['spec']['plugin']['kind']})")
    description = textwrap.shorten(display.get("description", ""), WIDTH, placeholder=" …")
    query = query_of(panel)
    shown = query if len(query) <= WIDTH else query[: WIDTH - 1] + "…"
    for detail in filter(None, [description, shown]):
        print("      ", detail)


dashboard = json.load(sys.stdin)["dashboard"]
spec = dashboard["spec"]["structured"]
print("  ", dashboard["displayName"], "of", dashboard["name"])
for variable in spec.get("variables", []):
    print("   $" + variable["spec"]["name"], f"({variable['kind']})")
for layout in spec.get("layouts", []):
    print("   [" + layout["spec"].get("display", {}).get("title", "") + "]")
    for item in layout["spec"].get("items", []):
        print_panel(spec["panels"][item["content"]["$ref"].rsplit("/", 1)[-1]])
