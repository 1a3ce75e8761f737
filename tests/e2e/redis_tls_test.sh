#!/usr/bin/env bash
# docs/redis-tls.md as it stands there: its authority, its stunnel.conf and its redis.conf carry an ingress that stores; a certificate of another
# name or authority, and a client without one, are refused. Needs stunnel; is skipped without.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=/dev/null
. tests/support/script.sh
: "${HOOKFLEET_BIN_DIR:?the folder of the programs}"
page=$PWD/docs/redis-tls.md
command -v stunnel >/dev/null || { echo "SKIPPED: there is no stunnel here: apt-get install stunnel4" >&2; exit 77; }

work=$(mktemp -d)
declare -A pid=()
cleanup() {
  [ ${#pid[@]} -eq 0 ] || kill "${pid[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
fail() {
  echo "FAILED: $*" >&2
  tail -n 15 "$work"/*.log >&2 || true
  exit 1
}
mapfile -t port < <(free_ports 5)
tunnel=${port[0]} tls=${port[1]} plain=${port[2]} listen=${port[3]} metrics=${port[4]}
# block KIND [MARK]: the first block of that kind in the page that holds the mark
block() {
  awk -v kind="$1" -v mark="${2:-}" '
    $0 == "```" kind { inside = 1; text = ""; next }
    inside && $0 == "```" { if (index(text, mark)) { printf "%s", text; exit } inside = 0 }
    inside { text = text $0 "\n" }' "$page"
}
run() {  # run NAME COMMAND…
  local name=$1
  shift
  "$@" >>"$work/$name.log" 2>&1 &
  pid[$name]=$!
}
end() {
  local name
  for name in "$@"; do
    kill "${pid[$name]}" 2>/dev/null || true
    wait "${pid[$name]}" || true
    unset "pid[$name]"
  done
}

authority() { (mkdir -p "$work/$1" && cd "$work/$1" && block sh ca.key >make.sh && bash -e make.sh >make.log 2>&1) || fail "the authority: $(cat "$work/$1/make.log")"; }
authority right
authority other
for file in redis.example.org.pem redis.example.org.key fleet.pem fleet.key; do [ -s "$work/right/$file" ] || fail "the page doesn't make $file"; done
files() {
  sed -E "s#/etc/(redis|hookfleet)/(redis-)?ca.pem#$work/${ca:-right}/ca.pem#; s#/etc/redis/redis\.(pem|key)#$work/${server:-right/redis.example.org}.\1#
    s#/etc/hookfleet/redis-client\.(pem|key)#$work/right/fleet.\1#"
}
tunnel_conf() { # client side; here the name is only checked, not looked up
  { block ini "; client" | files | sed -e '/^set[ug]id/d' -e "s#^accept = .*#accept = 127.0.0.1:$tunnel#" -e "s#^connect = .*#connect = 127.0.0.1:$tls#"; } >"$work/client.conf"
  [ "$(grep -cE "^(verifyChain = yes|checkHost = redis.example.org|CAfile = $work)" "$work/client.conf")" -eq 3 ] || fail "the page's client checks nothing: $(cat "$work/client.conf")"
}
redis_conf() {
  mkdir -p "$work/data"
  cat deploy/redis.conf
  echo "dir $work/data"
  echo "maxmemory 256mb"
  echo "bind 127.0.0.1"
}
through() { redis-cli -p "$tunnel" --no-auth-warning ping 2>/dev/null | grep -q PONG; }
direct() { redis-cli -p "$tls" --tls --cacert "$work/${1:-right}/ca.pem" --cert "$work/right/fleet.pem" --key "$work/right/fleet.key" --sni redis.example.org ping 2>/dev/null | grep -q PONG; }
accepting() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
start_redis() { # with TLS of its own
  { redis_conf; block conf | files | sed -E "s#^tls-port .*#tls-port $tls#; /^(include|bind|aclfile|dir|maxmemory) /d"; } >"$work/redis.conf"
  run redis redis-server "$work/redis.conf"
  within 30 accepting "$tls" || fail "no Redis with TLS"
}
start_tunnel() {
  tunnel_conf
  run tunnel stunnel "$work/client.conf"
  within 30 accepting "$tunnel" || fail "no tunnel"
}
refused() {  # refused WHAT: the tunnel listens, Redis is there, and nothing passes
  ! through || fail "$1 is accepted"
  grep -qE "$2" "$work/tunnel.log" || fail "$1: the tunnel doesn't say why"
  end tunnel
  : >"$work/tunnel.log"
}
stores() {  # through the tunnel, to an ingress
  local status
  HOOKFLEET_AUTH__TOKENS=t run ingress "$HOOKFLEET_BIN_DIR/hookfleet-ingress" --redis.url "redis://127.0.0.1:$tunnel/0" --server.listen "127.0.0.1:$listen" \
    --server.metrics_listen "127.0.0.1:$metrics"
  ready() { curl -sf --noproxy '*' "http://127.0.0.1:$metrics/readyz" >/dev/null; }
  within 60 ready || fail "the ingress is not ready over the tunnel"
  status=$(curl -sS --noproxy '*' -m 30 -o "$work/answer" -w '%{http_code}' -H 'Authorization: Bearer t' \
    -d '{"typeWebhook":"stateInstanceChanged","instanceData":{"idInstance":1101000001},"timestamp":1700000000,"stateInstance":"authorized"}' "http://127.0.0.1:$listen/webhook")
  [ "$status" = 200 ] || fail "a notification over the tunnel is answered $status $(cat "$work/answer")"
  [ "$(redis-cli -p "$tunnel" --scan --pattern 'hf:*:s' | wc -l)" -ge 1 ] || [ "$(redis-cli -p "$tunnel" dbsize)" -ge 2 ] || fail "nothing is stored"
  end ingress
}

# What the page begins with: rediss:// is refused with the way out.
! HOOKFLEET_AUTH__TOKENS=t "$HOOKFLEET_BIN_DIR/hookfleet-ingress" --redis.url "rediss://127.0.0.1:$tls" --check-config >"$work/said" 2>&1 || fail "rediss:// is taken"
grep -q stunnel "$work/said" || fail "rediss:// is refused without the way out: $(cat "$work/said")"

start_redis
within 30 direct || fail "Redis with TLS doesn't answer"
# Without a certificate of our authority nobody gets in.
! redis-cli -p "$tls" --tls --cacert "$work/right/ca.pem" ping 2>/dev/null | grep -q PONG || fail "a client without a certificate is served"
! redis-cli -p "$tls" ping 2>/dev/null | grep -q PONG || fail "a client without TLS is served"
start_tunnel
within 30 through || fail "nothing passes the tunnel"
stores
end tunnel
ca=other start_tunnel
refused "a certificate of another authority" "certificate verify failed|unable to get (local )?issuer|self.signed"
end redis
server=right/fleet start_redis
start_tunnel
refused "a certificate of another name" "[Hh]ost.*mismatch|certificate verify failed|No matching|hostname mismatch"
end redis

# Redis without TLS, stunnel on both sides.
{ redis_conf; echo "port $plain"; } >"$work/redis.conf"
run redis redis-server "$work/redis.conf"
within 30 accepting "$plain" || fail "no Redis"
{ block ini "; server" | files | sed -e '/^set[ug]id/d' -e "s#^accept = .*#accept = 127.0.0.1:$tls#" -e "s#^connect = .*#connect = 127.0.0.1:$plain#"; } >"$work/server.conf"
run far stunnel "$work/server.conf"
within 30 accepting "$tls" || fail "no tunnel on Redis's side"
start_tunnel
within 30 through || fail "nothing passes two tunnels"
! redis-cli -p "$tls" --tls --cacert "$work/right/ca.pem" ping 2>/dev/null | grep -q PONG || fail "Redis's tunnel serves a client without a certificate"
stores
echo passed
