#!/usr/bin/env bash
# grpcurl proves who it is in every way: by a client certificate, by a bearer token, by a proxy that states a user. Everything
# is made with openssl, as docs/security.md shows it. Starts a service of its own.
set -euo pipefail
cd "$(dirname "$0")"
source ./expect.sh
source ./server.sh

readonly ISSUER=https://issuer.example

work_dir=$(mktemp -d)
trap 'stop_server >/dev/null || true; rm -rf "$work_dir"' EXIT
# As root, the service lets PostgreSQL run as another user, who has to get at the data directory.
chmod 755 "$work_dir"

# Makes an authority: NAME.crt and NAME.key.
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
    -keyout "$work_dir/$1.key" -out "$work_dir/$1.crt" 2>/dev/null
}

# Makes a certificate of an authority. Usage: certificate AUTHORITY NAME SUBJECT_ALTERNATIVE_NAMES
certificate() {
  openssl req -x509 -CA "$work_dir/$1.crt" -CAkey "$work_dir/$1.key" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj "/CN=$2" -addext basicConstraints=critical,CA:FALSE ${3:+-addext "subjectAltName=$3"} \
    -keyout "$work_dir/$2.key" -out "$work_dir/$2.crt" 2>/dev/null
}

base64url() {
  openssl base64 -A | tr '+/' '-_' | tr -d '='
}

# Makes a signing key, and prints it as JWK. Usage: signing_key ID
signing_key() {
  openssl genrsa -out "$work_dir/$1.pem" 2048 2>/dev/null
  local modulus
  modulus=$(openssl rsa -in "$work_dir/$1.pem" -noout -modulus | sed 's/Modulus=//')
  printf '{"kty":"RSA","kid":"%s","use":"sig","alg":"RS256","e":"AQAB","n":"%s"}' \
    "$1" "$(python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]))' "$modulus" | base64url)"
}

# Prints a token. Usage: token KEY_ID AUDIENCE SECONDS_UNTIL_EXPIRY
token() {
  local head body
  head=$(printf '{"alg":"RS256","kid":"%s"}' "$1" | base64url)
  body=$(printf '{"iss":"%s","aud":"%s","exp":%d,"sub":"ada"}' "$ISSUER" "$2" $(($(date +%s) + $3)) | base64url)
  printf '%s.%s.%s' "$head" "$body" "$(printf '%s.%s' "$head" "$body" | openssl dgst -sha256 -sign "$work_dir/$1.pem" | base64url)"
}

# The credentials of a client certificate. Usage: as NAME
as() {
  printf -- '-cert\n%s\n-key\n%s\n' "$work_dir/$1.crt" "$work_dir/$1.key"
}

# Calls with credentials, and expects that they are taken: reflection answers whoever proves who it is.
expect_taken() {
  local what=$1 answer
  shift
  answer=$(grpcurl -cacert "$work_dir/servers.crt" -max-time 10 "$@" "$grpc_addr" list 2>&1) || fail "$what: $answer"
  expect_contains "$what" "$answer" perses.dashboards.v1.DashboardService
  ok "$what is taken"
}

# Calls with credentials, and expects that they are refused with a text. Usage: expect_refused WHAT TEXT [CREDENTIAL...]
expect_refused() {
  local what=$1 text=$2 answer
  shift 2
  if answer=$(grpcurl -cacert "$work_dir/servers.crt" -max-time 10 "$@" "$grpc_addr" list 2>&1); then
    fail "$what: expected an error, got $answer"
  fi
  expect_contains "$what" "$answer" "code = Unauthenticated"
  expect_contains "$what" "$answer" "$text"
  ok "$what is refused: $text"
}

authority servers
authority clients
authority strangers
certificate servers server DNS:localhost,IP:127.0.0.1
certificate clients service URI:spiffe://cluster.local/ns/billing/sa/reports
certificate clients proxy DNS:proxy.example.com
certificate clients nameless ""
certificate strangers impostor URI:spiffe://cluster.local/ns/billing/sa/reports
printf '{"keys":[%s]}' "$(signing_key first)" >"$work_dir/jwks.json"
cat >"$work_dir/authentication.yaml" <<EOF
jwt:
  - issuer:
      url: $ISSUER
      audiences: [dashboard-store]
      jwksFile: $work_dir/jwks.json
EOF

start_server "$work_dir/service" --embedded --data-dir "$work_dir/data" --maintenance=false \
  --tls-cert-file "$work_dir/server.crt" --tls-key-file "$work_dir/server.key" --tls-client-ca-file "$work_dir/clients.crt" \
  --auth-config-file "$work_dir/authentication.yaml" --identity-header-peers proxy.example.com || fail "the service does not start"
wait_until_serving -tls -tls-ca-cert "$work_dir/servers.crt" -tls-server-name localhost ||
  fail "health by TLS without a credential"
ok "health is open"

mapfile -t service < <(as service)
mapfile -t proxy < <(as proxy)
mapfile -t nameless < <(as nameless)
mapfile -t impostor < <(as impostor)
expect_taken "a client certificate" "${service[@]}"
expect_refused "a certificate without a name" "does not say who calls" "${nameless[@]}"
if answer=$(grpcurl -cacert "$work_dir/servers.crt" -max-time 5 "${impostor[@]}" "$grpc_addr" list 2>&1); then
  fail "a certificate of another authority is taken: $answer"
fi
ok "a certificate of another authority is refused"

expect_taken "a user whom a proxy states" "${proxy[@]}" -H "x-remote-user: ada" -H "x-remote-group: makers"
expect_refused "a user whom another service states" "proxies alone" "${service[@]}" -H "x-remote-user: ada"

good=$(token first dashboard-store 600)
expect_taken "a bearer token" -H "authorization: Bearer $good"
expect_refused "no credential" "has no credential"
expect_refused "an expired token" "has expired" -H "authorization: Bearer $(token first dashboard-store -90)"
expect_refused "a token for another service" "another audience" -H "authorization: Bearer $(token first other 600)"
expect_refused "two credentials" "two credentials" "${proxy[@]}" -H "x-remote-user: ada" -H "authorization: Bearer $good"

signing_key second >"$work_dir/second.jwk"
printf '{"keys":[%s]}' "$(<"$work_dir/second.jwk")" >"$work_dir/jwks.json"
expect_taken "a token with the next key of its issuer" -H "authorization: Bearer $(token second dashboard-store 600)"
expect_refused "a token with the last key" "does not publish" -H "authorization: Bearer $good"
expect_refused "an unsigned token" "no JWT" -H "authorization: Bearer $(printf '{"alg":"none"}' | base64url).$(cut -d. -f2 <<<"$good")."
