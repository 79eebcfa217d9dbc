#!/usr/bin/env bash
# Checks the rules that hold for every file of migrations/ (or of the folder given):
# - names as golang-migrate reads them, NNNNNN_name.up.sql with its NNNNNN_name.down.sql, numbered from 000001 without gap;
# - each up writes its own row of schema_version and each down deletes it, so that a database which psql or golang-migrate
#   brought here is known for what it is;
# - what was released (the newest v* tag) is unchanged: databases out there have run it.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly FOLDER=${1:-migrations}
problems=0

problem() {
  echo "$*"
  problems=$((problems + 1))
}

# Prints the statements of a file, one a line, without comments and in lower case.
statements() {
  sed 's/--.*//' "$1" | tr '\n' ' ' | tr ';' '\n' | tr '[:upper:]' '[:lower:]'
}

check_names() {
  local path file counterpart
  for path in "$FOLDER"/*; do
    file=${path##*/}
    if [[ ! $file =~ ^[0-9]{6}_[a-z0-9_]+\.(up|down)\.sql$ ]]; then
      problem "$path: a migration is called NNNNNN_name.up.sql or NNNNNN_name.down.sql, with [a-z0-9_] in the name"
      continue
    fi
    case $file in
      *.up.sql) counterpart=${path%.up.sql}.down.sql ;;
      *) counterpart=${path%.down.sql}.up.sql ;;
    esac
    [[ -f $counterpart ]] || problem "$path: $counterpart is missing"
  done
}

check_numbers() {
  local path number expected=1
  for path in "$FOLDER"/*.up.sql; do
    number=$(number_of "$path")
    if ((number != expected)); then
      problem "$path: number $(printf '%06d' "$expected") is due here: numbers have no gap and no duplicate"
    fi
    expected=$((number + 1))
  done
}

# The number of a migration, as schema_version has it.
number_of() {
  local file=${1##*/}
  echo "$((10#${file%%_*}))"
}

check_schema_version_rows() {
  local path number
  for path in "$FOLDER"/*.up.sql; do
    number=$(number_of "$path")
    statements "$path" | grep -E "^ *insert +into +(public\.)?schema_version\b.*\b$number\b" >/dev/null ||
      problem "$path: inserts no row with version $number into schema_version"
  done
  for path in "$FOLDER"/*.down.sql; do
    number=$(number_of "$path")
    statements "$path" | grep -E "^ *delete +from +(public\.)?schema_version\b.*\b$number\b" >/dev/null && continue
    # The first migration makes the table, so its way down may take the row away with the table.
    if ((number == 1)) && statements "$path" | grep -E "^ *drop +table\b.*\bschema_version\b" >/dev/null; then
      continue
    fi
    problem "$path: does not delete the row with version $number from schema_version"
  done
}

check_released() {
  local tag path
  if ! tag=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null); then
    echo "no release is tagged: any migration may still change"
    return
  fi
  while IFS= read -r path; do
    if [[ ! -f $path ]]; then
      problem "$path: was released with $tag and must stay"
    elif ! git diff --quiet "$tag" -- "$path"; then
      problem "$path: was released with $tag and must not change; write a new migration instead"
    fi
  done < <(git ls-tree -r --name-only "$tag" -- "$FOLDER")
}

shopt -s nullglob
files=("$FOLDER"/*)
if ((${#files[@]} == 0)); then
  echo "$FOLDER has no migration yet: nothing to check"
  exit 0
fi
# A name that cannot be read has no number to go on with.
check_names
if ((problems == 0)); then
  check_numbers
  check_schema_version_rows
  check_released
fi
if ((problems > 0)); then
  echo "$problems problem(s) in $FOLDER"
  exit 1
fi
echo "${#files[@]} migration files are in order"
