#!/usr/bin/env bash
# Refuses source files of more than 600 lines: past that a file has more than one subject and is split.
# Recorded snapshots and data files are not source and may be long.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly LIMIT=600
too_long=0
while IFS= read -r file; do
  [[ -f $file ]] || continue # deleted, and the deletion is not committed yet
  lines=$(wc -l <"$file")
  if ((lines > LIMIT)); then
    echo "$file: $lines lines, at most $LIMIT are allowed: split it by subject"
    too_long=1
  fi
done < <(git ls-files --cached --others --exclude-standard -- \
  'src/*.rs' 'tests/*.rs' 'tests/*.sh' 'tests/*.py' 'benches/*.rs' build.rs)
exit "$too_long"
