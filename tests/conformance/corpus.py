"""Puts each native Perses Dashboard of a folder into a running service by grpcurl, reads it back and compares.

Usage: corpus.py FOLDER HOST:PORT

As `json` the text has to come back byte for byte, as `structured` with equal JSON values.
"""

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import yaml

SERVICE = "perses.dashboards.v1.DashboardService"


class JsonLoader(yaml.SafeLoader):
    """Reads YAML as Perses does, which takes it for another notation of JSON: a time stays a string."""


JsonLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Mismatch(Exception):
    """What came back is not what went in."""


class Service:
    """The service under test, seen through grpcurl."""

    def __init__(self, address):
        self.address = address
        # Fresh projects, so that the part can run again on the same database.
        self.run = f"{int(time.time())}"

    def call(self, method, request):
        """Calls a method with a JSON request and returns the JSON answer."""
        (answer,) = self.exchange(method, json.dumps(request))
        return answer

    def exchange(self, method, requests):
        """Calls a method with the JSON texts of its requests and returns the JSON answers."""
        command = ["grpcurl", "-plaintext", "-max-time", "20", "-d", "@", self.address, f"{SERVICE}/{method}"]
        done = subprocess.run(command, input=requests.encode(), capture_output=True, check=False)
        if done.returncode != 0:
            raise Mismatch(f"{method}: {done.stderr.decode(errors='replace').strip()}")
        return list(json_values(done.stdout.decode()))

    def round_trip(self, dashboard_id, spec, spec_format):
        """Creates a dashboard with this DashboardSpec and returns the dashboard that is read back."""
        parent = f"projects/corpus-{spec_format.lower()}-{self.run}"
        self.call(
            "CreateDashboard",
            {"parent": parent, "dashboard_id": dashboard_id, "dashboard": {"spec": spec}},
        )
        answer = self.call(
            "GetDashboard",
            {"name": f"{parent}/dashboards/{dashboard_id}", "spec_format": f"SPEC_FORMAT_{spec_format}"},
        )
        return answer["dashboard"]


def json_values(text):
    """Yields the JSON values that stand in a text one after the other."""
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        yield value
        text = text[end:]


def native_dashboards(folder):
    """Yields each native Dashboard below the folder; custom resources have another kind."""
    for path in sorted(Path(folder).rglob("*.yaml")):
        for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=JsonLoader):
            if isinstance(document, dict) and document.get("kind") == "Dashboard":
                yield document


def equal_values(one, other):
    """Compares JSON values; numbers by value, so that 1 equals 1.0, but true does not equal 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal_values(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal_values, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other


def check_json(service, dashboard_id, spec):
    """Expects JSON text, written as no serialiser would by default, to come back with the same bytes."""
    text = json.dumps(spec, ensure_ascii=False, indent=3, separators=(" ,", " : "))
    written = hashlib.sha256(text.encode()).hexdigest()
    dashboard = service.round_trip(dashboard_id, {"json": text}, "JSON")
    read = hashlib.sha256(dashboard["spec"]["json"].encode()).hexdigest()
    if read != written:
        raise Mismatch(f"sha256 {written} went in, {read} came back")
    if dashboard["specSha256"] != written:
        raise Mismatch(f"spec_sha256 is {dashboard['specSha256']}, the text's is {written}")


def check_structured(service, dashboard_id, spec):
    """Expects nested JSON to come back as an equal value."""
    dashboard = service.round_trip(dashboard_id, {"structured": spec}, "STRUCTURED")
    if not equal_values(dashboard["spec"]["structured"], spec):
        raise Mismatch("another JSON value came back")


def count_good(check, service, dashboards):
    """Runs a check on every dashboard, prints what fails, and returns how many pass."""
    good = 0
    for dashboard in dashboards:
        dashboard_id = dashboard["metadata"]["name"]
        try:
            check(service, dashboard_id, dashboard["spec"])
            good += 1
        except (Mismatch, KeyError) as problem:
            print(f"FAILED: {check.__name__} {dashboard_id}: {problem!r}")
    return good


def main():
    """Returns the exit code: 0 when every dashboard passed."""
    folder, address = sys.argv[1:]
    service = Service(address)
    dashboards = list(native_dashboards(folder))
    if not dashboards:
        print(f"FAILED: no native Dashboard below {folder}")
        return 1
    same_text = count_good(check_json, service, dashboards)
    same_value = count_good(check_structured, service, dashboards)
    print(f"json: {same_text} of {len(dashboards)} came back byte for byte")
    print(f"structured: {same_value} of {len(dashboards)} came back equal")
    return 0 if same_text == same_value == len(dashboards) else 1


if __name__ == "__main__":
    sys.exit(main())
