#!/usr/bin/env bash
# nginx/render makes configurations that nginx takes, in all its forms, and refuses what would break out of them.
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout "$work/key.pem" -out "$work/chain.pem" 2>/dev/null
common=(NGINX_LISTEN=127.0.0.1:18080 "NGINX_PID=$work/pid" "NGINX_TEMP=$work" NGINX_ERROR_LOG=stderr)
[ "$(id -u)" -ne 0 ] || common+=(NGINX_USER=root)

accepted() {  # accepted NAME SETTING…
  local name=$1
  shift
  env -i PATH="$PATH" "${common[@]}" "$@" nginx/render >"$work/$name.conf" || fail "$name: not rendered"
  ! grep -nE '@[A-Z_]+@|^ *#@' "$work/$name.conf" || fail "$name: something was not filled in"
  nginx -t -q -p "$work" -c "$work/$name.conf" || fail "$name: nginx refuses it"
}
refused() {
  local name=$1
  shift
  ! env -i PATH="$PATH" "$@" nginx/render >"$work/refused.conf" 2>"$work/why" || fail "$name: rendered"
  [ -s "$work/why" ] || fail "$name: refused without a word"
}

accepted native NGINX_INGRESSES="127.0.0.1:9081 127.0.0.1:9082" NGINX_LISTED="46.101.109.139 10.0.0.0/8 fd00::/8"
[ "$(grep -c 'server 127.0.0.1:908[12] max_fails=0;' "$work/native.conf")" -eq 2 ] || fail "not both ingresses are there"
sed 's/max_fails=0/max_fials=0/' "$work/native.conf" >"$work/wrong.conf"
! nginx -t -q -p "$work" -c "$work/wrong.conf" 2>/dev/null || fail "the exit status of nginx -t says nothing here"
(ulimit -n 4096 && accepted few_descriptors NGINX_INGRESSES=127.0.0.1:9081)
grep -q 'worker_connections 3896;' "$work/few_descriptors.conf" || fail "more connections than descriptors"
grep -q 'worker_rlimit_nofile 4096;' "$work/few_descriptors.conf" || fail "asks for more descriptors than it may have"
grep -q 'access_log off;' "$work/native.conf" || fail "the access log is on by itself"
accepted logged NGINX_INGRESSES=127.0.0.1:9081 NGINX_ACCESS_LOG="$work/access.log"
# shellcheck disable=SC2016
! grep -E 'http_authorization|request_uri|args|\$request[^_]' <(sed -n '/log_format/,/;/p' "$work/logged.conf") || fail "the access log could hold a token"
accepted by_name NGINX_INGRESS_NAME=ingress:9080 NGINX_RESOLVER=127.0.0.11
grep -q '^  proxy_connect_timeout 1500ms;' "$work/by_name.conf" || fail "a packet that is lost between machines costs the sender a minute"
grep -q '^  proxy_connect_timeout 300ms;' "$work/native.conf" || fail "an ingress that is gone is waited for"
accepted patient NGINX_INGRESSES=127.0.0.1:9081 NGINX_CONNECT_TIMEOUT=2s
grep -q '^  proxy_connect_timeout 2s;' "$work/patient.conf" || fail "NGINX_CONNECT_TIMEOUT is not taken"
accepted by_name_v6 NGINX_INGRESS_NAME=ingress:9080 NGINX_RESOLVER=fd00::53
tls=(NGINX_TLS_LISTEN=127.0.0.1:18443 "NGINX_TLS_CERTIFICATE=$work/chain.pem" "NGINX_TLS_KEY=$work/key.pem")
accepted tls_only NGINX_INGRESSES=127.0.0.1:9081 NGINX_LISTEN= "${tls[@]}"
! grep -E '^ *listen ' "$work/tls_only.conf" | grep -v ssl || fail "something is taken without TLS"
! grep -q Strict-Transport-Security "$work/tls_only.conf" || fail "HSTS is on by itself"
accepted hsts NGINX_INGRESSES=127.0.0.1:9081 "${tls[@]}" NGINX_HSTS=31536000
accepted acme NGINX_INGRESSES=127.0.0.1:9081 "${tls[@]}" "NGINX_ACME_LISTEN=127.0.0.1:18081 127.0.0.2:18081" NGINX_ACME_ROOT="$work"
! grep -q acme-challenge "$work/native.conf" || fail "the challenge's location is there without being asked for"
accepted status NGINX_INGRESSES=127.0.0.1:9081 NGINX_STATUS_LISTEN=127.0.0.1:18082
! grep -q stub_status "$work/native.conf" || fail "numbers are served without being asked for"
accepted everything NGINX_STATUS_LISTEN=127.0.0.1:18082 NGINX_INGRESS_NAME=ingress:9080 NGINX_RESOLVER=127.0.0.11 "${tls[@]}" NGINX_HSTS=60 NGINX_ACME_LISTEN=127.0.0.1:18081 \
  NGINX_ACME_ROOT="$work" NGINX_REAL_IP_FROM=10.0.0.0/8 NGINX_LISTED=46.101.109.139 NGINX_ACCESS_LOG="$work/access.log" NGINX_BODY_MAX=64m NGINX_WORKERS=2
accepted tls NGINX_INGRESSES=127.0.0.1:9081 NGINX_TLS_LISTEN=127.0.0.1:18443 NGINX_TLS_CERTIFICATE="$work/chain.pem" NGINX_TLS_KEY="$work/key.pem"
accepted behind_a_balancer NGINX_INGRESSES=127.0.0.1:9081 NGINX_REAL_IP_FROM="10.0.0.0/8 192.168.0.0/16" NGINX_KEEPALIVE=650
grep -q '^  keepalive_timeout 650s;' "$work/behind_a_balancer.conf" || fail "idle connections are closed before the balancer does"
grep -q '^  keepalive_timeout 75s;' "$work/native.conf" || fail "idle connections of anybody stay for longer than is meant"

refused "no ingress" NGINX_LISTEN=8080
refused "no address" NGINX_INGRESSES=127.0.0.1:9081
refused "certificate without key" NGINX_LISTEN=8080 NGINX_INGRESSES=127.0.0.1:9081 NGINX_TLS_CERTIFICATE=chain.pem
refused "listen address without certificate" NGINX_LISTEN=8080 NGINX_INGRESSES=127.0.0.1:9081 NGINX_TLS_LISTEN=8443
refused "HSTS without TLS" NGINX_LISTEN=8080 NGINX_INGRESSES=127.0.0.1:9081 NGINX_HSTS=60
refused "HSTS that is no number" NGINX_INGRESSES=127.0.0.1:9081 "${tls[@]}" NGINX_HSTS=60d
refused "idle time that is no number" NGINX_LISTEN=8080 NGINX_INGRESSES=127.0.0.1:9081 NGINX_KEEPALIVE=10min
refused "challenges without a webroot" NGINX_LISTEN=8080 NGINX_INGRESSES=127.0.0.1:9081 NGINX_ACME_LISTEN=80
refused "too few descriptors" NGINX_LISTEN=8080 NGINX_INGRESSES=127.0.0.1:9081 NGINX_NOFILE=100
refused "a value that ends the statement" NGINX_LISTEN='8080; include /etc/passwd' NGINX_INGRESSES=127.0.0.1:9081

listed() { nginx/listed; }
[ "$(printf 'server: {trusted_proxies: [127.0.0.1/32]}\nauth:\n  allowlist: {mode: monitor, addresses: [10.0.0.1, "fd00::/8", 127.0.0.1, "::2/128"]}\nlog: {level: info}\n' | listed)" = "127.0.0.1 10.0.0.1 fd00::/8 ::2" ] || fail "lists on one line"
[ "$(printf 'auth:\n  allowlist:\n    addresses: # theirs\n      - 10.0.0.1\n      - 10.0.0.2  # old\n    mode: off\n  tokens:\n    - x\nredis:\n  addresses: [1.2.3.4]\n' | listed)" = "10.0.0.1 10.0.0.2" ] || fail "lists of one item a line"
[ "$(listed <deploy/hookfleet.yaml | wc -w)" -eq 16 ] || fail "the shipped list"
[ "$(printf 'auth:\n  allowlist: {addresses: [127.0.0.0/8, "::1", 127.0.0.1]}\n' | listed)" = 127.0.0.1 ] || fail "what nginx.conf.in has is repeated"
echo passed
