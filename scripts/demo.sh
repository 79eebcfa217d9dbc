#!/usr/bin/env bash
# A tour of the service with real calls, a chapter a file in demo/: the history of a dashboard; templates,
# search and files; links and the audit log.
# Runs against DASHBOARD_STORE_ADDR, a server in development mode, or against a server of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=tests/conformance/server.sh
source tests/conformance/server.sh
# shellcheck source=tests/conformance/expect.sh
source tests/conformance/expect.sh

readonly PACKAGE=perses.dashboards.v1
# A tour has a project of its own, so that it finds nothing of earlier ones on the same server.
readonly PROJECT=demo-$(date +%s)-$$
readonly TOUR=projects/$PROJECT

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

# Runs grpcurl in the name of a user. Usage: as_user USER ARGUMENT...
as_user() {
  local user=$1
  shift
  if [[ $user != - ]]; then
    set -- -H "x-remote-user: $user" "$@"
  fi
  grpcurl -plaintext "$@"
}

# Starts a chapter of the tour.
chapter() {
  printf '\n%s== %s%s\n' "$bold" "$1" "$plain"
}

# Makes a call that succeeds; its answer is in $answer. Without a user it is Ada's; `-` is who runs the server, and may do all.
# Usage: rpc SERVICE/METHOD REQUEST [USER]
rpc() {
  show_call "${1#*/}" "$2"
  answer=$(as_user "${3:-ada}" -d "$2" "$address" "$PACKAGE.$1")
}

# Makes a call that fails as it should; the error is in $answer. Usage: refused SERVICE/METHOD REQUEST [USER]
refused() {
  show_call "${1#*/}" "$2"
  if answer=$(as_user "${3:-ada}" -format-error -d "$2" "$address" "$PACKAGE.$1" 2>&1); then
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

if [[ -n ${DASHBOARD_STORE_ADDR:-} ]]; then
  address=${DASHBOARD_STORE_ADDR#http://}
else
  scratch=$(mktemp -d)
  # PostgreSQL refuses to run as root, and then its user has to get in here.
  chmod 755 "$scratch"
  trap 'stop_server; rm -rf "$scratch"' EXIT
  echo "starting a server of our own (set DASHBOARD_STORE_ADDR to use one that runs)"
  start_server "$scratch/server" --data-dir "$scratch/data"
  until grpcurl -plaintext -max-time 1 "$grpc_addr" grpc.health.v1.Health/Check 2>/dev/null | grep -q '"SERVING"'; do
    kill -0 "$server_pid"
    sleep 0.2
  done
  address=$grpc_addr
fi
echo "dashboard-store at $address"

for part in history people trust; do
  # shellcheck source=/dev/null
  source "scripts/demo/$part.sh"
done

echo
echo "done"
