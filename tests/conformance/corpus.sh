#!/usr/bin/env bash
# Real Perses dashboards go in by grpcurl, as JSON text and as nested JSON, and come back as they were; a search for a metric finds
# exactly those whose queries use it. They are not part of this repository: DASHBOARD_CORPUS names a folder (an absolute path) with
# Perses dashboards in YAML; without it, a folder shared/corpus beside the checkout is looked for. Needs SERVER_GRPC; run_all.sh
# sets it.
set -euo pipefail
cd "$(dirname "$0")"

beside_checkout=$(cd ../../.. && pwd)/shared/corpus
readonly CORPUS=${DASHBOARD_CORPUS:-$beside_checkout}
# The exit code by which run_all.sh knows a part that could not run.
readonly SKIPPED=77

if [[ ! -d $CORPUS ]]; then
  echo "skipped: there is no folder $CORPUS; set DASHBOARD_CORPUS to one with Perses dashboards in YAML"
  exit "$SKIPPED"
fi
export PYTHONPATH=../../.tools/python
python3 corpus.py "$CORPUS" "$SERVER_GRPC"
python3 search_corpus.py "$CORPUS" "$SERVER_GRPC"
