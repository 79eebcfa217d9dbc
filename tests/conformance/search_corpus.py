"""Imports the dashboards of a folder into a running service by grpcurl, searches for metrics, and compares what is found with a
listing of its own, which knows of PromQL only what a regular expression can tell.

Usage: search_corpus.py FOLDER HOST:PORT
"""

import json
import re
import sys
from pathlib import Path

import yaml

from corpus import JsonLoader, Mismatch, Service

# How many metrics of the folder are searched for, evenly spread over all in the order of how many dashboards use them.
SEARCHED = 60
# The most results of one answer.
PAGE_SIZE = 100

# A metric that few dashboards of the world use, and what only looks like it.
GPU_METRIC = "DCGM_FI_DEV_GPU_UTIL"
GPU_QUERIES = {
    "gpu-plain": GPU_METRIC,
    "gpu-among-others": f'sum(rate(up[5m])) / on (gpu) avg by (gpu) ({GPU_METRIC}{{node="$node"}})',
    "gpu-longer": f"{GPU_METRIC}_RATIO",
    "gpu-prefixed": f"old:{GPU_METRIC}",
    "gpu-in-a-label": f'up{{metric="{GPU_METRIC}"}}',
}

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`')
SELECTED = re.compile(rf"(?<![\w:$]){NAME}(?=\s*[{{\[])")


def gpu_dashboard(name, query):
    """Builds a dashboard with one panel of this query."""
    plugin = {"kind": "PrometheusTimeSeriesQuery", "spec": {"query": query}}
    panel = {
        "display": {"name": "Panel"},
        "plugin": {"kind": "TimeSeriesChart", "spec": {}},
        "queries": [{"kind": "TimeSeriesQuery", "spec": {"plugin": plugin}}],
    }
    spec = {"panels": {"a": {"kind": "Panel", "spec": panel}}, "layouts": []}
    return {"kind": "Dashboard", "metadata": {"name": name}, "spec": spec}


def dashboards_by_kind(folder):
    """Groups the dashboards below the folder by kind: the same ones come as native and as custom resources."""
    kinds = {"Dashboard": {}, "PersesDashboard": {}}
    for path in sorted(Path(folder).rglob("*.yaml")):
        for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=JsonLoader):
            if isinstance(document, dict) and document.get("kind") in kinds:
                # What names no project goes into that of the import.
                for place in ("project", "namespace"):
                    document["metadata"].pop(place, None)
                kinds[document["kind"]].setdefault(document["metadata"]["name"], document)
    gpu = {name: gpu_dashboard(name, query) for name, query in GPU_QUERIES.items()}
    return kinds | {"Own": gpu}


def expressions(value):
    """Yields the expressions of all Prometheus plugins in a document."""
    if isinstance(value, list):
        for element in value:
            yield from expressions(element)
    elif isinstance(value, dict):
        if str(value.get("kind", "")).startswith("Prometheus") and isinstance(value.get("spec"), dict):
            spec = value["spec"]
            yield from (spec[key] for key in ("query", "expr") if isinstance(spec.get(key), str))
            yield from spec.get("matchers") or []
        for member in value.values():
            yield from expressions(member)


def listing(dashboards):
    """Lists the metrics that have a selector somewhere, each with the dashboards in whose expressions it stands as a word."""
    texts = {name: [STRING.sub('""', text) for text in expressions(one)] for name, one in dashboards.items()}
    metrics = {found for some in texts.values() for text in some for found in SELECTED.findall(text)}
    metrics |= {GPU_METRIC}
    users = {}
    for metric in metrics:
        word = re.compile(rf"(?<![\w:$]){re.escape(metric)}(?![\w:])")
        users[metric] = {name for name, some in texts.items() if any(map(word.search, some))}
    return users


def import_all(service, project, dashboards):
    """Imports dashboards in one stream; every one has to be created."""
    parts = [{"options": {"parent": project}}]
    parts += [{"item": {"text": json.dumps(dashboard)}} for dashboard in dashboards.values()]
    parts += [{"end": {}}]
    answers = service.exchange("ImportDashboards", "\n".join(map(json.dumps, parts)))
    for answer in answers:
        if answer["outcome"] != "IMPORT_OUTCOME_CREATED":
            raise Mismatch(f"import: {answer}")
    if len(answers) != len(dashboards):
        raise Mismatch(f"import: {len(answers)} answers to {len(dashboards)} dashboards")


def search(service, project, metric):
    """Returns the ids of what is found by a metric."""
    answer = service.call("SearchDashboards", {"parent": project, "query": metric, "page_size": PAGE_SIZE})
    if answer.get("truncated"):
        raise Mismatch(f"search {metric}: the answer is not whole")
    results = answer.get("results", [])
    by_metric = [result for result in results if "metric_names" in result["matchedFields"]]
    return {result["dashboard"]["name"].rsplit("/", 1)[1] for result in by_metric}


def spread(users):
    """Picks metrics, from the rarest to the most used, and the one of GPUs."""
    ordered = sorted(users, key=lambda metric: (len(users[metric]), metric))
    step = max(1, len(ordered) // SEARCHED)
    return sorted({*ordered[::step], GPU_METRIC})


def main():
    """Returns the exit code: 0 when every search found what the listing says."""
    folder, address = sys.argv[1:]
    service = Service(address)
    is_as_listed = True
    for kind, dashboards in dashboards_by_kind(folder).items():
        project = f"projects/search-{kind.lower()}-{service.run}"
        import_all(service, project, dashboards)
        users = listing(dashboards)
        metrics = spread(users)
        found = {metric: search(service, project, metric) for metric in metrics}
        wrong = [metric for metric in metrics if found[metric] != users[metric]]
        for metric in wrong:
            print(f"FAILED: {kind} {metric}: found {sorted(found[metric])}, listed {sorted(users[metric])}")
        is_as_listed = is_as_listed and not wrong
        hits = sum(map(len, found.values()))
        print(f"search: {len(dashboards)} of kind {kind} use {len(users)} metrics; {len(metrics)} searched for: {hits} found, ", end="")
        print(f"{len(wrong)} searches not as listed; {GPU_METRIC}: {', '.join(sorted(found[GPU_METRIC])) or 'none'}")
    return 0 if is_as_listed else 1


if __name__ == "__main__":
    sys.exit(main())
