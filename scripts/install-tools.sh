#!/usr/bin/env bash
# Installs the named tools into .tools/ of this checkout, each at the version pinned below and only where that version is missing.
# Usage: scripts/install-tools.sh NAME...      (no name: all of them)
set -euo pipefail
cd "$(dirname "$0")/.."

# name, kind, package, version, further arguments of the installer. A bump here reinstalls on the next run.
readonly PINS='
buf               go     github.com/bufbuild/buf/cmd/buf                  v1.75.0
grpcurl           go     github.com/fullstorydev/grpcurl/cmd/grpcurl      v1.9.4
grpc-health-probe go     github.com/grpc-ecosystem/grpc-health-probe      v0.4.61
migrate           go     github.com/golang-migrate/migrate/v4/cmd/migrate v4.20.1 -tags=pgx5
cargo-deny        cargo  cargo-deny                                       0.20.2
cargo-fuzz        cargo  cargo-fuzz                                       0.13.2
cargo-llvm-cov    cargo  cargo-llvm-cov                                   0.9.1
cargo-machete     cargo  cargo-machete                                    0.9.2
pyyaml            python PyYAML                                           6.0.3
'
readonly TOOLS="$PWD/.tools"

fail() {
  echo "install-tools: $*" >&2
  exit 1
}

# Stops with a line that says what to install, where the installer itself is missing.
need() {
  command -v "$1" >/dev/null || fail "$1 is not on PATH; install $2 and run this again"
}

install_go() {
  local package=$1 version=$2
  shift 2
  need go "Go 1.26 or newer"
  GOBIN="$TOOLS/bin" GOFLAGS=-mod=mod CGO_ENABLED=0 go install "$@" "$package@$version"
}

install_cargo() {
  local package=$1 version=$2
  need cargo "Rust (the version of rust-toolchain.toml, by rustup)"
  cargo install --quiet --locked --force --root "$TOOLS" "$package@$version"
}

install_python() {
  local package=$1 version=$2
  need python3 "Python 3.9 or newer with pip"
  rm -rf "$TOOLS/python"
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --no-deps --target "$TOOLS/python" "$package==$version"
}

# Where an installed tool is found, to notice that it was removed.
location() {
  local name=$1 kind=$2
  case $kind in
    python) echo "$TOOLS/python" ;;
    *) echo "$TOOLS/bin/$name" ;;
  esac
}

install() {
  local name=$1 pin kind package version arguments
  pin=$(awk -v name="$name" '$1 == name' <<<"$PINS")
  [[ -n $pin ]] || fail "no pinned version of $name; known are:$(awk 'NF {printf " %s", $1}' <<<"$PINS")"
  read -r _ kind package version arguments <<<"$pin"

  local stamp="$TOOLS/stamps/$name" wanted="$package $version $arguments"
  if [[ -e $(location "$name" "$kind") && -f $stamp && $(<"$stamp") == "$wanted" ]]; then
    return
  fi
  echo "installing $name $version into .tools/"
  rm -f "$stamp"
  local started=$SECONDS
  # shellcheck disable=SC2086  # further arguments are split at blanks on purpose
  "install_$kind" "$package" "$version" $arguments
  echo "$wanted" >"$stamp"
  echo "installed $name $version in $((SECONDS - started)) s"
}

mkdir -p "$TOOLS/bin" "$TOOLS/stamps"
if (($# == 0)); then
  # shellcheck disable=SC2046  # one word per tool
  set -- $(awk 'NF {print $1}' <<<"$PINS")
fi
for tool in "$@"; do
  install "$tool"
done
