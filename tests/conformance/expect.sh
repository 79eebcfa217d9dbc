# shellcheck shell=bash
# What the parts say and expect. Sourced. An expectation that is not met ends the part with a line that says which.

fail() {
  # Not to standard output, which may be captured.
  echo "FAILED: $*" >&2
  exit 1
}

# Says what has just been shown to hold.
ok() {
  echo "ok: $*"
}

# Reads JSON from standard input and prints one value of it, strings bare. Usage: json_value dashboard.etag
json_value() {
  python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    value = value[int(key)] if isinstance(value, list) else value.get(key)
    if value is None:
        sys.exit("no value at " + sys.argv[1])
print(value if isinstance(value, str) else json.dumps(value))
' "$1"
}

# Prints a text as a JSON string, quotes included, to be put into a request.
json_string() {
  python3 -c 'import json, sys; print(json.dumps(sys.argv[1]))' "$1"
}

# Usage: expect_equal WHAT EXPECTED ACTUAL
expect_equal() {
  [[ $2 == "$3" ]] || fail "$1: expected '$2', got '$3'"
}

# Usage: expect_contains WHAT TEXT PART
expect_contains() {
  [[ $2 == *"$3"* ]] || fail "$1: expected '$3' in: $2"
}

# Calls METHOD of the DashboardService with a JSON request, and prints the JSON answer. Usage: call METHOD REQUEST
call() {
  local answer
  answer=$(grpcurl -plaintext -max-time 10 -d "$2" "$SERVER_GRPC" "perses.dashboards.v1.DashboardService/$1" 2>&1) ||
    fail "$1: $answer"
  echo "$answer"
}

# Calls METHOD and expects an error with this code (a number of google.rpc.Code) and this ErrorInfo.reason.
# Usage: expect_error METHOD REQUEST CODE REASON
expect_error() {
  local method=$1 request=$2 code=$3 reason=$4 answer
  if answer=$(grpcurl -plaintext -max-time 10 -format-error -d "$request" "$SERVER_GRPC" \
    "perses.dashboards.v1.DashboardService/$method" 2>&1); then
    fail "$method: expected code $code $reason, got an answer: $answer"
  fi
  CODE=$code REASON=$reason python3 -c '
import json, os, sys
error = json.load(sys.stdin)
infos = [d for d in error.get("details", []) if d["@type"].endswith("/google.rpc.ErrorInfo")]
found = (error["code"], [(i["domain"], i["reason"]) for i in infos])
expected = (int(os.environ["CODE"]), [("dashboards.perses.dev", os.environ["REASON"])])
sys.exit(0 if found == expected else f"expected {expected}, found {found}")
' <<<"$answer" || fail "$method: a wrong error: $answer"
}
