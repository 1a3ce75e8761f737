#!/usr/bin/env bash
# cmake --install makes a deployment that works: the ExecStart lines of the installed units, with /etc, /run and /var in a folder of the test's,
# are a fleet that answers 200, reloads and drains. Then, where systemd-analyze is: the units are right, and as closed as they should be.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=/dev/null
. tests/support/script.sh
: "${HOOKFLEET_BIN_DIR:?the folder of the programs}"
build=$(realpath "$HOOKFLEET_BIN_DIR/..")
PATH=$PATH:/usr/sbin

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
  tail -n 20 "$work"/log/* >&2 || true
  exit 1
}
mapfile -t port < <(/usr/bin/python3 -c '
import random, socket
found = []
while len(found) < 4:  # nginx, ingress, worker, poller: four digits, and the metrics of the ingress at 1PORT
    with socket.socket() as a, socket.socket() as b:
        one = random.randrange(3000, 10000)
        try:
            a.bind(("127.0.0.1", one)); b.bind(("127.0.0.1", 10000 + one))
        except OSError:
            continue
        if one not in found: found.append(one)
print(*found, sep="\n")')

cmake --install "$build" --prefix "$work/usr" >"$work/install.log" || fail "cmake --install: $(tail -n 3 "$work/install.log")"
units=$work/usr/lib/systemd/system
# What docs/deploy-manually.md does, elsewhere.
mkdir -p "$work/etc/hookfleet" "$work/log" "$work"/run/hookfleet-{redis,nginx} "$work"/var/{lib/hookfleet-redis,cache/hookfleet-nginx,log/hookfleet-nginx}
moved() { sed -E "s#/(etc/hookfleet|run/hookfleet|var/(lib|cache|log)/hookfleet)#$work/\1#g"; }
for file in hookfleet.yaml nginx.env redis.conf; do moved <"$work/usr/share/hookfleet/etc/$file" >"$work/etc/hookfleet/$file"; done
token="token-of-the-test"
echo "$token" >"$work/etc/hookfleet/tokens"
sed -i "s/^NGINX_LISTEN=.*/NGINX_LISTEN=127.0.0.1:${port[0]}/; s/^NGINX_INGRESSES=.*/NGINX_INGRESSES=127.0.0.1:${port[1]}/" "$work/etc/hookfleet/nginx.env"
sed -i 's/^maxmemory .*/maxmemory 256mb/' "$work/etc/hookfleet/redis.conf"

# lines UNIT KEY INSTANCE: the commands of a unit as systemd would run them
lines() { sed -n "s/^$2=//p" "$units/$1" | sed "s/%i/${3:-}/g" | moved; }
start() {  # start NAME UNIT [INSTANCE]
  local command
  command=$(lines "$2" ExecStart "${3:-}")
  [ -n "$command" ] || fail "$2 has no ExecStart"
  bash -c "exec $command" >"$work/log/$1" 2>&1 &
  pid[$1]=$!
}
start redis hookfleet-redis.service
start ingress hookfleet-ingress@.service "${port[1]}"
start worker hookfleet-worker@.service "${port[2]}"
start poller hookfleet-poller@.service "${port[3]}"
configure() {
  (
    set -a
    eval "$(lines hookfleet-nginx.service Environment | tr ' ' '\n')"
    # shellcheck source=/dev/null
    . "$work/etc/hookfleet/nginx.env"
    [ "$(id -u)" -ne 0 ] || export NGINX_USER=root
    # shellcheck disable=SC2046  # the words of the line
    exec $(lines hookfleet-nginx.service "$1" | head -n 1)
  )
}
configure ExecStartPre || fail "nginx is not configured"
start nginx hookfleet-nginx.service

answer() { # answer METHOD PATH [TOKEN]
  curl -sS --noproxy '*' -m 30 -o "$work/answer" -w '%{http_code}' -X "$1" ${3:+-H "Authorization: Bearer $3" -d "$body"} "http://127.0.0.1:${port[0]}$2" 2>/dev/null || true
}
body='{"typeWebhook":"stateInstanceChanged","instanceData":{"idInstance":1101000001,"wid":"79990000000@c.us","typeInstance":"whatsapp"},"timestamp":1700000000,"stateInstance":"authorized"}'
ready() { "$work/usr/bin/hookfleet-ingress" --config "$work/etc/hookfleet/hookfleet.yaml" --server.metrics_listen "127.0.0.1:1${port[1]}" --healthcheck >/dev/null 2>&1; }
within 60 ready || fail "the ingress is not ready"
polling() { "$work/usr/bin/hookfleet-poller" --config "$work/etc/hookfleet/hookfleet.yaml" --server.metrics_listen "127.0.0.1:${port[3]}" --healthcheck >/dev/null 2>&1; }
within 60 polling || fail "the poller is not ready"
served() { [ "$(answer GET /healthz)" = 200 ]; }
within 30 served || fail "nginx does not reach the ingress"
[ "$(answer POST /webhook "$token")" = 200 ] || fail "a notification is answered $(cat "$work/answer")"
[ "$(answer POST /webhook wrong)" = 401 ] || fail "a wrong token is answered $(cat "$work/answer")"
handled() { grep -q '"event":"notification"' "$work/log/worker"; }
within 60 handled || fail "no worker has handled it"
[ "$(stat -c %a "$work/run/hookfleet-redis/redis.sock")" = 770 ] || fail "Redis's socket is open to others than its group"
"$work/usr/bin/hookfleet" doctor --redis "unix://$work/run/hookfleet-redis/redis.sock" >"$work/doctor" || fail "doctor: $(cat "$work/doctor")"
# A reload whose settings nginx refuses leaves the configuration as it was.
before=$(cat "$work/run/hookfleet-nginx/nginx.conf")
sed -i 's/^NGINX_BODY_MAX=.*/NGINX_BODY_MAX=huge/' "$work/etc/hookfleet/nginx.env"
! configure ExecReload 2>/dev/null || fail "a wrong nginx.env is taken"
[ "$before" = "$(cat "$work/run/hookfleet-nginx/nginx.conf")" ] || fail "a wrong nginx.env has changed nginx.conf"
sed -i 's/^NGINX_BODY_MAX=.*/NGINX_BODY_MAX=4m/' "$work/etc/hookfleet/nginx.env"
# Nor does one that nginx couldn't take, since a port goes from one address to all: it would go on as it was at every reload after it, too.
sed -i "s/^NGINX_LISTEN=.*/NGINX_LISTEN=${port[0]}/" "$work/etc/hookfleet/nginx.env"
! said=$(configure ExecReload 2>&1) || fail "a port of one address is taken for all by a reload"
[[ $said == *"systemctl restart hookfleet-nginx"* ]] || fail "what a port for all addresses takes isn't said: $said"
[ "$before" = "$(cat "$work/run/hookfleet-nginx/nginx.conf")" ] || fail "a reload that nginx can't take has changed nginx.conf"
sed -i "s/^NGINX_LISTEN=.*/NGINX_LISTEN=\"127.0.0.1:${port[0]} 127.0.0.2:${port[0]}\"/" "$work/etc/hookfleet/nginx.env"
configure ExecReload || fail "another address of a port is refused"
for name in nginx ingress poller worker redis; do
  if [ "$name" = nginx ]; then kill -QUIT "${pid[$name]}"; else kill -TERM "${pid[$name]}"; fi
  code=0
  wait "${pid[$name]}" || code=$?
  [ "$code" -eq 0 ] || fail "$name ends with $code"
  unset "pid[$name]"
done
# The firewall of the documentation, and every setting of the installed file, are known.
"$work/usr/bin/hookfleet" config check --config "$work/etc/hookfleet/hookfleet.yaml" >/dev/null || fail "the installed settings are wrong"

command -v systemd-analyze >/dev/null || { echo "SKIPPED: the units' commands work; there is no systemd-analyze here to check the units (apt-get install systemd)" >&2; exit 77; }
# The installed programs are in the prefix, so that verify finds them; what it says is an error.
for unit in "$units"/*.service "$units"/*.target; do
  said=$(SYSTEMD_UNIT_PATH="$units:" systemd-analyze verify --man=no "$unit" 2>&1) || fail "$(basename "$unit"): $said"
  [ -z "$said" ] || fail "$(basename "$unit"): $said"
done
# 2.0 of 10: what is left is that they may use the network, and are not confined to addresses beforehand.
for unit in "$units"/*.service; do
  systemd-analyze security --offline=true --threshold=20 --no-pager "$unit" >"$work/security" || fail "$(basename "$unit") is too open: $(cat "$work/security")"
  tail -n 1 "$work/security"
done
echo passed
