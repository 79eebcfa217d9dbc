# shellcheck shell=bash
# Starts and stops the service under test. Sourced, by run_all.sh and by the parts that need a server of their own.

# How long the first start may take: it may have to download PostgreSQL.
readonly START_TIMEOUT_S=180
# How long it may take from listening to serving.
readonly READY_TIMEOUT_S=60
# The service gives requests 10 s to end, then stops its PostgreSQL.
readonly STOP_TIMEOUT_S=30

server_pid=""

# shellcheck disable=SC2034  # http_url is for who sources this
# Starts `serve` on free ports, with further arguments, and sets server_pid, grpc_addr and http_url.
# What it prints goes to NAME.stdout and NAME.stderr. Usage: start_server NAME [ARGUMENT...]
start_server() {
  local name=$1
  shift
  : >"$name.stdout"
  "$DASHBOARD_STORE" serve --grpc-addr 127.0.0.1:0 --http-addr 127.0.0.1:0 "$@" \
    >"$name.stdout" 2>"$name.stderr" </dev/null &
  server_pid=$!
  server_log=$name
  local deadline=$((SECONDS + START_TIMEOUT_S))
  until grpc_addr=$(address_of grpc) && http_url=http://$(address_of http); do
    if ! kill -0 "$server_pid" 2>/dev/null; then
      show_server_log "the service ended before it said where it listens"
      return 1
    fi
    if ((SECONDS > deadline)); then
      show_server_log "the service has not said within $START_TIMEOUT_S s where it listens"
      return 1
    fi
    sleep 0.1
  done
}

# Reads host:port from the line `grpc: http://127.0.0.1:50051` (or `https://…`, or `http: …`) that the service prints.
address_of() {
  local address
  address=$(sed -n "s|^$1: https\?://||p" "$server_log.stdout")
  [[ -n $address ]] && echo "$address"
}

# Waits until grpc.health.v1 says SERVING. Usage: wait_until_serving [OPTION OF THE PROBE...]
wait_until_serving() {
  local deadline=$((SECONDS + READY_TIMEOUT_S)) answer
  until answer=$(grpc-health-probe -addr "$grpc_addr" -connect-timeout 1s -rpc-timeout 2s "$@" 2>&1); do
    if ((SECONDS > deadline)) || ! kill -0 "$server_pid" 2>/dev/null; then
      show_server_log "the service does not get to SERVING: $answer"
      return 1
    fi
    sleep 0.2
  done
}

# Asks the service to stop, as Kubernetes does, and expects exit code 0 in time. Does nothing when none runs.
stop_server() {
  local pid=$server_pid deadline=$((SECONDS + STOP_TIMEOUT_S)) code=0
  [[ -n $pid ]] || return 0
  server_pid=""
  kill -TERM "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do
    if ((SECONDS > deadline)); then
      kill -KILL "$pid" 2>/dev/null || true
      show_server_log "the service did not stop within $STOP_TIMEOUT_S s of SIGTERM"
      return 1
    fi
    sleep 0.1
  done
  wait "$pid" || code=$?
  if ((code != 0)); then
    show_server_log "the service stopped with exit code $code on SIGTERM, not 0"
    return 1
  fi
}

show_server_log() {
  echo "$1; the end of what it printed:"
  tail -n 30 "$server_log.stdout" "$server_log.stderr"
}
