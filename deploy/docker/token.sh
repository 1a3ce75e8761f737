#!/bin/sh
# The token senders present, in /token/tokens: HOOKFLEET_TOKEN, else the one made before, else a new one.
set -eu
umask 077
if [ -n "${HOOKFLEET_TOKEN:-}" ]; then
  token=$HOOKFLEET_TOKEN
  origin="taken from HOOKFLEET_TOKEN"
elif [ -s /token/tokens ]; then
  token=$(cat /token/tokens)
  origin="made earlier, kept in the volume"
else
  token=$(od -An -N20 -tx1 /dev/urandom | tr -d ' \n')
  origin="made now, kept in the volume"
fi
case $token in
  *[!A-Za-z0-9._~+/=-]*) echo "token: it may hold letters, digits and . _ ~ + / = - (RFC 6750)" >&2; exit 2 ;;
esac
printf '%s\n' "$token" >/token/tokens.new
mv /token/tokens.new /token/tokens
port=${HOOKFLEET_PORT:-8080}
port=${port##*:}
echo "token: $token ($origin)"
echo "try:   curl -sS -i -H 'Authorization: Bearer $token' -d '{\"typeWebhook\":\"incomingMessageReceived\"}' http://127.0.0.1:$port/webhook"
