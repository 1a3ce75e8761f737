#!/usr/bin/env bash
# https of nginx, by ./fleet: what is taken and what is refused, the http-01 challenge, and a certificate that is renewed under load
# without a failed request. Works on 127.0.0.1 with certificates of its own.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=/dev/null
. tests/support/script.sh
: "${HOOKFLEET_BIN_DIR:?the folder of the programs}"
HOOKFLEET_BIN_DIR=$(realpath "$HOOKFLEET_BIN_DIR")
export HOOKFLEET_BIN_DIR
PATH=$PATH:/usr/sbin

work=$(mktemp -d)
here="$work/a folder with blanks"
copy_of_fleet "$here"
client=$PWD/tests/e2e/tls_client.py
cd "$here"

fail() {
  echo "FAILED: $*" >&2
  tail -n 15 .fleet/log/* >&2 || true
  exit 1
}
challenger=
cleanup() {
  [ -z "$challenger" ] || kill "$challenger" 2>/dev/null || true
  ./fleet down --purge --yes >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
certificate() {  # certificate NAME: a new one with its key
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=localhost/O=$1" -addext "subjectAltName=DNS:localhost" \
    -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null || fail "openssl can't make a certificate"
}
refused() {  # refused TEXT ARGUMENT…: up doesn't take them and says why
  local text=$1
  shift
  ! ./fleet up "$@" >"$work/out" 2>&1 || fail "up $* is taken"
  grep -qF -- "$text" "$work/out" || fail "up $* doesn't say \"$text\": $(cat "$work/out")"
}
for name in first second; do certificate "$name"; done
cp "$work/first.pem" "$work/chain.pem"
cp "$work/first.key" "$work/key.pem"
{ read -r port; read -r tls_port; } < <(free_ports 2)

step "what can't work is refused before anything starts"
refused "needs --tls-key" --port "127.0.0.1:$port" --tls-certificate "$work/chain.pem"
refused "not there" --tls-certificate /nowhere --tls-key "$work/key.pem"
refused "is not the one of" --port "127.0.0.1:$port" --tls-certificate "$work/second.pem" --tls-key "$work/key.pem"
openssl pkey -in "$work/key.pem" -aes128 -passout pass:secret -out "$work/locked.key"
refused "passphrase" --port "127.0.0.1:$port" --tls-certificate "$work/chain.pem" --tls-key "$work/locked.key"
refused "are the same" --port "127.0.0.1:$port" --tls-port "$port" --tls-certificate "$work/chain.pem" --tls-key "$work/key.pem"

step "up"
./fleet up --workers 1 --port "$port" --tls-port "127.0.0.1:$tls_port" --tls-certificate "$work/chain.pem" --tls-key "$work/key.pem" >"$work/out" 2>&1 ||
  { cat "$work/out" >&2; fail "up"; }
grep -q "https  *port $tls_port" "$work/out" || fail "up says nothing of https: $(cat "$work/out")"
# shellcheck source=/dev/null
. .fleet/env
grep -qx "    listen 127.0.0.1:$port;" .fleet/nginx/nginx.conf || fail "with https the clear port is still open to the network"
[ "$(stat -c %a .fleet/nginx/key.pem)" = 600 ] || fail "the key can be read by others"

step "handshakes and answers"
/usr/bin/python3 "$client" handshakes "$tls_port" "$work/chain.pem" "$HOOKFLEET_TOKEN" || fail "handshakes"

step "a renewed certificate under load"
serial() { openssl x509 -in "$work/$1.pem" -noout -serial | cut -d = -f 2; }
/usr/bin/python3 "$client" load "$tls_port" "$work/first.pem" "$work/second.pem" "$HOOKFLEET_TOKEN" "$work/progress" >"$work/load" 2>&1 &
load=$!
saw() { grep -qx "$1 $2" "$work/progress" 2>/dev/null; }
nginx_pid=$(cat .fleet/run/nginx-1.pid)
round=0
for name in second first second; do
  round=$((round + 1))
  cp "$work/$name.key" "$work/key.pem"
  cp "$work/$name.pem" "$work/chain.pem"
  ./fleet up >"$work/out" 2>&1 || { cat "$work/out" >&2; fail "up with a renewed certificate"; }
  within 60 saw "$round" "$(serial "$name")" || fail "certificate $name is not shown: $(cat "$work/progress" "$work/load")"
done
[ "$nginx_pid" = "$(cat .fleet/run/nginx-1.pid)" ] || fail "nginx was started anew for it"
touch "$work/progress.stop"
wait "$load" || fail "requests failed while certificates were renewed: $(cat "$work/load")"
cat "$work/load"

step "a wrong renewal changes nothing"
cp "$work/first.pem" "$work/chain.pem"
refused "is not the one of"
curl -sS --noproxy '*' --cacert "$work/second.pem" "https://localhost:$tls_port/healthz" --resolve "localhost:$tls_port:127.0.0.1" >/dev/null || fail "no https after a refused renewal"

step "https ends, the clear port is the network's again"
./fleet up --tls-certificate none >"$work/out" 2>&1 || { cat "$work/out" >&2; fail "up --tls-certificate none"; }
[ ! -e .fleet/nginx/key.pem ] || fail "the key is left"
! curl -sS --noproxy '*' -k "https://127.0.0.1:$tls_port/healthz" >/dev/null 2>&1 || fail "https is still taken"
[ "$(curl -sS --noproxy '*' "http://127.0.0.2:$port/healthz" -o /dev/null -w '%{http_code}')" = 200 ] || fail "the clear port isn't open to all addresses"
./fleet down --purge --yes >/dev/null || fail "down"

step "the http-01 challenge, and nothing else of its folder"
mkdir -p "$work/acme/.well-known/acme-challenge"
echo proof >"$work/acme/.well-known/acme-challenge/token"
echo private >"$work/acme/private"
ln -s "$work/acme/private" "$work/acme/.well-known/acme-challenge/link"
acme_port=$(free_ports 1)
user=
[ "$(id -u)" -ne 0 ] || user=root
NGINX_LISTEN='' NGINX_TLS_LISTEN=127.0.0.1:$tls_port NGINX_TLS_CERTIFICATE=$work/second.pem NGINX_TLS_KEY=$work/second.key NGINX_HSTS=600 \
  NGINX_INGRESSES=127.0.0.1:1 NGINX_ACME_LISTEN=127.0.0.1:$acme_port NGINX_ACME_ROOT=$work/acme NGINX_PID=$work/nginx.pid NGINX_TEMP=$work \
  NGINX_USER=$user nginx/render >"$work/nginx.conf"
nginx -p "$work" -c "$work/nginx.conf" 2>"$work/nginx.log" &
challenger=$!
get() { curl -sS --noproxy '*' --path-as-is -o "$work/answer" -w '%{http_code}' "$@" 2>/dev/null || true; }
up() { [ "$(get "http://127.0.0.1:$acme_port/.well-known/acme-challenge/token")" = 200 ]; }
within 20 up || fail "the challenge is not answered: $(cat "$work/nginx.log")"
[ "$(cat "$work/answer")" = proof ] || fail "the challenge's answer: $(cat "$work/answer")"
for path in / /private /healthz /webhook /.well-known/acme-challenge/link /.well-known/acme-challenge/../../private \
  /.well-known/acme-challenge/%2e%2e/%2e%2e/private /.well-known/acme-challenge/; do
  status=$(get "http://127.0.0.1:$acme_port$path")
  case $status in 403 | 404) ;; *) fail "$path is answered $status on the challenge's port" ;; esac
  ! grep -q private "$work/answer" || fail "$path gives away a file"
done
[ "$(get -X POST -d x "http://127.0.0.1:$acme_port/.well-known/acme-challenge/token")" = 403 ] || fail "the challenge takes a POST"
# HSTS where it was asked for, on https only: also on answers of locations with headers of their own.
curl -sSk --noproxy '*' -D "$work/headers" -o /dev/null -X PUT "https://127.0.0.1:$tls_port/webhook"
grep -qi '^strict-transport-security: max-age=600' "$work/headers" || fail "no HSTS: $(cat "$work/headers")"
curl -sS --noproxy '*' -D "$work/headers" -o /dev/null "http://127.0.0.1:$acme_port/"
! grep -qi '^strict-transport-security' "$work/headers" || fail "HSTS in clear"
step "passed"
