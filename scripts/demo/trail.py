"""Prints audit events, the JSON answer of ListAuditEvents, as lines that a person can read, the oldest first."""

import json
import sys

for event in reversed(json.load(sys.stdin)["auditEvents"]):
    result = event["result"].removeprefix("AUDIT_RESULT_").lower()
    times = f" x {event['count']}" if event.get("count", 1) > 1 else ""
    method = event["method"].rpartition("/")[2]
    print("  ", event["time"][11:19], f"{event['actor']['subject']:16} {method:20} {result}{times}", event.get("reason", ""))
