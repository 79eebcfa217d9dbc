# shellcheck shell=bash disable=SC2154
# A dashboard is shown by a link, to nobody else, and the audit log tells of it; who edits that is found out. Sourced by ../demo.sh.

readonly SHARED=$TOUR/dashboards/gpu

# Runs `audit verify` beside the server's own PostgreSQL. Usage: verify
verify() {
  DB_DIRECT_URL="host='$scratch/data/socket' user=dashboard_store dbname=perses_dashboard password='$(cat "$scratch/data/password")'" \
    AUDIT_PUBLIC_KEYS_FILE=$scratch/public.pem "$DASHBOARD_STORE" audit verify 2>&1 | sed 's/^/   /'
}

# Runs SQL as the superuser of the server's own PostgreSQL. Usage: as_superuser SQL
as_superuser() {
  PGPASSWORD=$(cat "$scratch/data/password") psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 \
    --host "$scratch/data/socket" --username dashboard_store perses_dashboard --command "$1"
}

# Edits an audit event past the trigger that refuses it. Usage: rename_actor ID ACTOR
rename_actor() {
  local partition
  partition=$(as_superuser "SELECT tableoid::regclass FROM audit_log WHERE id = '$1'")
  as_superuser "BEGIN;
    ALTER TABLE $partition DISABLE TRIGGER audit_log_append_only;
    UPDATE $partition SET actor = '$2' WHERE id = '$1';
    ALTER TABLE $partition ENABLE ALWAYS TRIGGER audit_log_append_only;
    COMMIT"
}

chapter "Who sees what, and who did what"

step "Mallory has no role here: what is there and what is not look the same"
for name in gpu nothing; do
  refused DashboardService/GetDashboard "{\"name\":\"$TOUR/dashboards/$name\"}" mallory
  tell_error
done

step "Ada makes a link for a colleague: a day, two uses"
rpc ShareService/CreateShareLink "{\"parent\":\"$SHARED\",\"share_link\":{\"ttl\":\"86400s\",\"max_uses\":2,\"note\":\"for the review\"}}"
tell link shareLink.name token token
link=$(json_value shareLink.name <<<"$answer")
token=$(json_value token <<<"$answer")

step "Linus, who has no role either, opens it twice; a third time it is used up"
for use in 1 2; do
  rpc ShareService/ResolveShareLink "{\"token\":\"$token\"}" linus
  tell "use $use" dashboard.displayName
done
refused ShareService/ResolveShareLink "{\"token\":\"$token\"}" linus
tell_error

step "Another link is revoked: the answer does not tell the difference"
rpc ShareService/CreateShareLink "{\"parent\":\"$SHARED\",\"share_link\":{}}"
second=$(json_value token <<<"$answer")
rpc ShareService/RevokeShareLink "{\"name\":\"$(json_value shareLink.name <<<"$answer")\"}"
tell state shareLink.state
refused ShareService/ResolveShareLink "{\"token\":\"$second\"}" linus
tell_error
rpc ShareService/GetShareLink "{\"name\":\"$link\"}"
tell "first link" shareLink.state uses shareLink.useCount

step "The trail of all that, for the admin of the project"
trail="{\"parent\":\"$TOUR\",\"page_size\":12}"
until rpc AuditService/ListAuditEvents "$trail" >/dev/null && [[ $answer == *AUDIT_RESULT_DENIED* ]]; do
  sleep 0.2
done
show_call ListAuditEvents "$trail"
python3 scripts/demo/trail.py <<<"$answer"

if [[ -z ${scratch:-} ]]; then
  echo "   (the seals of the log are shown with a server of our own)"
elif ! command -v psql >/dev/null; then
  echo "   (psql is not installed, so nobody edits the log behind the back of the service)"
else
  step "The log is sealed each second; whoever holds the public key can look"
  openssl pkey -in "$scratch/data/audit-signing-key.pem" -pubout -out "$scratch/public.pem"
  until verify | grep -q '0 events are not sealed'; do
    sleep 0.2
  done
  verify

  step "A superuser makes Mallory's attempts undone: that is found out"
  event=$(as_superuser "SELECT id FROM audit_log WHERE actor = 'user:mallory' LIMIT 1")
  rename_actor "$event" user:linus
  verify || true
  rename_actor "$event" user:mallory
  echo "   put back:"
  verify
fi
