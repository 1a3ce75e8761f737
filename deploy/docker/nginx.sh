#!/bin/sh
# Renders the configuration for the environment it runs in and starts nginx. What can be set: nginx/render.
set -eu
: "${NGINX_LISTEN:=8080}" "${NGINX_ACCESS_LOG:=/dev/stdout}" "${NGINX_TEMP:=/tmp}" "${NGINX_PID:=/tmp/nginx.pid}"
: "${NGINX_INGRESSES:=}" "${NGINX_LISTED:=$(/hookfleet/listed </hookfleet/hookfleet.yaml)}"
[ -n "$NGINX_INGRESSES" ] || : "${NGINX_INGRESS_NAME:=ingress:9080}"
export NGINX_LISTEN NGINX_ACCESS_LOG NGINX_TEMP NGINX_PID NGINX_INGRESSES NGINX_INGRESS_NAME NGINX_LISTED
/hookfleet/render >/tmp/nginx.conf
exec nginx -c /tmp/nginx.conf
