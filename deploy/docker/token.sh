#!/bin/sh
# The secrets of a fleet in containers, each in the volume of those who need it: the tokens senders present in /token/tokens (those of
# HOOKFLEET_TOKEN, between commas; else those there were before; else a new one), where Redis is and who one is there in /roles/ROLE/url, the
# users of Redis in /users/users.acl, those of REDIS_USERS among them.
set -eu
umask 077
random() { od -An -N20 -tx1 /dev/urandom | tr -d ' \n'; }
if [ -n "${HOOKFLEET_TOKEN:-}" ]; then
  tokens=$HOOKFLEET_TOKEN
  origin="taken from HOOKFLEET_TOKEN"
elif [ -s /token/tokens ]; then
  tokens=$(paste -s -d , /token/tokens)
  origin="made earlier, kept in the volume"
else
  tokens=$(random)
  origin="made now, kept in the volume"
fi
case ,$tokens, in
  *[!A-Za-z0-9._~+/=,-]*) echo "token: it may hold letters, digits and . _ ~ + / = - (RFC 6750); several with a comma between them" >&2; exit 2 ;;
  *,,*) echo "token: HOOKFLEET_TOKEN has a comma with no token beside it" >&2; exit 2 ;;
esac
printf '%s\n' "$tokens" | tr , '\n' >/token/tokens.new
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
token=${tokens%%,*}
echo "token: $token ($origin)"
[ "$token" = "$tokens" ] || echo "and those behind it: ${tokens#*,}"
body='{"typeWebhook":"stateInstanceChanged","instanceData":{"idInstance":1101000001,"typeInstance":"whatsapp"},"timestamp":1700000000,"stateInstance":"authorized"}'
[ ${#token} -ge 16 ] || echo "token: warning: a token of ${#token} characters can be guessed; openssl rand -hex 20 makes one that can't"
echo "try:   curl -sS -i -H 'Authorization: Bearer $token' -d '$body' http://127.0.0.1:$port/webhook"
