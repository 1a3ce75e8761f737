#!/bin/sh
# The secrets of a fleet in containers, each in the volume of those who need it: the token senders present in /token/tokens (HOOKFLEET_TOKEN,
# else the one made before, else a new one), where Redis is and who one is there in /roles/ROLE/url, the users of Redis in /users/users.acl,
# those of REDIS_USERS among them.
set -eu
umask 077
random() { od -An -N20 -tx1 /dev/urandom | tr -d ' \n'; }
if [ -n "${HOOKFLEET_TOKEN:-}" ]; then
  token=$HOOKFLEET_TOKEN
  origin="taken from HOOKFLEET_TOKEN"
elif [ -s /token/tokens ]; then
  token=$(cat /token/tokens)
  origin="made earlier, kept in the volume"
else
  token=$(random)
  origin="made now, kept in the volume"
fi
case $token in
  *[!A-Za-z0-9._~+/=-]*) echo "token: it may hold letters, digits and . _ ~ + / = - (RFC 6750)" >&2; exit 2 ;;
esac
printf '%s\n' "$token" >/token/tokens.new
mv /token/tokens.new /token/tokens

passwords=$(mktemp -d)
for role in ingress poller worker cli exporter; do
  url=/roles/$role/url
  if [ ! -s "$url" ]; then
    printf 'redis://%s:%s@redis:6379/0\n' "$role" "$(random)" >"$url.new"
    mv "$url.new" "$url"
  fi
  sed 's|^redis://[^:]*:\(.*\)@redis:6379/0$|\1|' "$url" >"$passwords/$role"
done
/hookfleet/redis_acl "$passwords" >/users/users.acl.new
mv /users/users.acl.new /users/users.acl
rm -rf "$passwords"

port=${HOOKFLEET_PORT:-8080}
port=${port##*:}
echo "token: $token ($origin)"
body='{"typeWebhook":"stateInstanceChanged","instanceData":{"idInstance":1101000001,"typeInstance":"whatsapp"},"timestamp":1700000000,"stateInstance":"authorized"}'
echo "try:   curl -sS -i -H 'Authorization: Bearer $token' -d '$body' http://127.0.0.1:$port/webhook"
