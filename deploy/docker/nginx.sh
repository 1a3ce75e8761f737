#!/bin/sh
# Renders the configuration for the environment it runs in and starts nginx. What can be set: nginx/render.
set -eu
: "${NGINX_LISTEN:=8080}" "${NGINX_ACCESS_LOG:=/dev/stdout}" "${NGINX_TEMP:=/tmp}" "${NGINX_PID:=/tmp/nginx.pid}"
: "${NGINX_INGRESSES:=}" "${NGINX_LISTED:=$(/hookfleet/listed </hookfleet/hookfleet.yaml)}"
[ -n "$NGINX_INGRESSES" ] || : "${NGINX_INGRESS_NAME:=ingress:9080}"
export NGINX_LISTEN NGINX_ACCESS_LOG NGINX_TEMP NGINX_PID NGINX_INGRESSES NGINX_INGRESS_NAME NGINX_LISTED
for file in "${NGINX_TLS_CERTIFICATE:-}" "${NGINX_TLS_KEY:-}"; do
  [ -z "$file" ] || [ -r "$file" ] || { echo "nginx: $file is not there, or user $(id -u) may not read it: docs/tls.md" >&2; exit 2; }
done
/hookfleet/render >/tmp/nginx.conf
if [ -n "${NGINX_TLS_CERTIFICATE:-}" ]; then
  # A renewed certificate gets in without a restart. One that doesn't fit its key is refused and the old one stays; then it is tried again.
  (
    digest() { cat "$NGINX_TLS_CERTIFICATE" "$NGINX_TLS_KEY" 2>/dev/null | sha256sum; }
    taken=$(digest)
    while sleep "${NGINX_TLS_LOOK:-10}"; do
      now=$(digest)
      [ "$now" = "$taken" ] || { nginx -c /tmp/nginx.conf -s reload && taken=$now; }
    done
  ) &
fi
exec nginx -c /tmp/nginx.conf
