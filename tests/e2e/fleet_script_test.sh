#!/usr/bin/env bash
# ./fleet itself, with the programs of HOOKFLEET_BIN_DIR, in a folder whose path has blanks: up, what it promises about its state files,
# restarting, scaling, refusing, down. Works on 127.0.0.1 only; what it started is ended by ./fleet down.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
# shellcheck source=/dev/null
. tests/support/script.sh
: "${HOOKFLEET_BIN_DIR:?the folder of the programs}"
export HOOKFLEET_BIN_DIR

work=$(mktemp -d)
here="$work/a folder with blanks"
copy_of_fleet "$here"
cd "$here"

fail() {
  echo "FAILED: $*" >&2
  ./fleet status >&2 || true
  tail -n 15 .fleet/log/* >&2 || true
  exit 1
}
server=
cleanup() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  ./fleet down --purge --yes >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
ends_with() {  # ends_with CODE COMMAND…; its output in $work/out
  local code=0 wanted=$1
  shift
  "$@" >"$work/out" 2>&1 || code=$?
  [ "$code" -eq "$wanted" ] || fail "$* ends with $code, not $wanted: $(cat "$work/out")"
  [ "$wanted" -eq 0 ] || [ -s "$work/out" ] || fail "$* says nothing"
}
ready() { ./fleet status >/dev/null; }
pid() { cat ".fleet/run/$1.pid"; }
replaced() { [ -s ".fleet/run/$1.pid" ] && [ "$(pid "$1")" != "$2" ] && kill -0 "$(pid "$1")" 2>/dev/null && ready; }
post() {  # prints the status
  curl -sS --noproxy '*' -m 30 -o "$work/answer" -w '%{http_code}' -H "Authorization: Bearer ${1:-$HOOKFLEET_TOKEN}" -H 'Content-Type: application/json' \
    -d '{"typeWebhook":"stateInstanceChanged","instanceData":{"idInstance":1101000001,"wid":"79990000000@c.us","typeInstance":"whatsapp"},"timestamp":1700000000,"stateInstance":"authorized"}' "$HOOKFLEET_URL"
}
works() { [ "$(post)" = 200 ] || fail "a post is answered $(cat "$work/answer")"; }
no_fleet_left() {
  local process
  for process in /proc/[0-9]*; do
    case $(readlink "$process/cwd" 2>/dev/null) in "$here/.fleet"*) return 1 ;; esac
  done
}

step "wrong use ends with 2 and says what is wrong"
for words in "nonsense" "up --ingress 100" "logs -n x" "up --port x" "up --token" "up --token-file /nowhere" "up --redis http://x" "up --config /nowhere" "status now"; do
  read -r -a arguments <<<"$words"
  ends_with 2 ./fleet "${arguments[@]}"
done

step "up"
port=$(free_ports 1)
./fleet up --port "127.0.0.1:$port" >"$work/up" 2>&1 || { cat "$work/up" >&2; fail "up"; }
ready || fail "not ready after up"
[ "$(stat -c %a .fleet)" = 700 ] || fail ".fleet can be read by others"
# shellcheck source=/dev/null
. .fleet/env
works
[ "$(post wrong)" = 401 ] || fail "a wrong token is answered $(cat "$work/answer")"
grep '^curl ' "$work/up" | bash | grep '^HTTP/1.1 200' >/dev/null || fail "the printed curl line isn't answered 200"
for name in redis-1 nginx-1 ingress-1 ingress-2 worker-1 worker-2; do kill -0 "$(pid "$name")" || fail "no pid of $name"; done
[ "$(redis-cli -u "$REDIS_URL" config get appendfsync | tail -n 1)" = always ] || fail "Redis isn't at REDIS_URL or not durable"
grep -q ' starting hookfleet-worker$' .fleet/log/worker-1.out || fail "nothing dates the start of worker-1"
! ./fleet logs worker-1 | grep 'starting hookfleet' || fail "logs prints that worker-1 was started, though nothing follows it"
for url in $METRICS_URLS; do curl -sS --noproxy '*' "$url" | grep '^hookfleet_' >/dev/null || fail "no metrics at $url"; done
scraped=$(/usr/bin/python3 -c 'import json; print(*(f"http://{target}/metrics" for row in json.load(open(".fleet/targets.json")) for target in row["targets"]))')
[ "$scraped" = "$METRICS_URLS" ] || fail "Prometheus would scrape $scraped"
within 20 grep -q '"event":"notification"' .fleet/log/worker-1.log .fleet/log/worker-2.log || fail "no record of the notification"
! grep -rqF "$HOOKFLEET_TOKEN" .fleet/log || fail "the token stands in a log"
cat /proc/[0-9]*/cmdline 2>/dev/null >"$work/cmdlines" || true
! grep -aqFf .fleet/tokens "$work/cmdlines" || fail "the token stands on a command line"

step "the command line has the programs and the token"
[ "$(command -v hookfleet)" = "$(realpath "$HOOKFLEET_BIN_DIR")/hookfleet" ] || fail "env's PATH isn't that of HOOKFLEET_BIN_DIR: $PATH"
echo api-token-of-the-test-0123456789 >"$work/api-token"
sed -n '/^poller:$/,/^```/p' "$root/docs/connect.md" | sed -e '/^```/d' -e "s|/run/secrets/api-[0-9]*|$work/api-token|" >"$work/watched.yaml"
# shellcheck disable=SC2016
grep -qF '"${HOOKFLEET_TOKEN}"' "$work/watched.yaml" || fail "docs/connect.md has no example with the fleet's token"
hookfleet config check --config "$work/watched.yaml" >"$work/out" 2>&1 || fail "the settings of docs/connect.md are refused: $(cat "$work/out")"

step "a second up changes nothing"
before=$(pid ingress-1)$(pid nginx-1)$(pid worker-1)$(pid redis-1)
./fleet up >/dev/null || fail "second up"
[ "$before" = "$(pid ingress-1)$(pid nginx-1)$(pid worker-1)$(pid redis-1)" ] || fail "something was started anew"

step "what dies or hangs comes back"
old=$(pid ingress-1) worker=$(pid worker-1)
kill -KILL "$old" "$worker"
within 30 replaced ingress-1 "$old" || fail "a killed ingress isn't back"
within 30 replaced worker-1 "$worker" || fail "a killed worker isn't back"
old=$(pid ingress-2)
kill -STOP "$old"
within 40 replaced ingress-2 "$old" || fail "a frozen ingress isn't back"
works

step "scaling up and down, and starting anew with other settings, is seen by no sender"
sender() {  # posts until told to stop, each on a new connection: a line with the status of each
  until [ -e "$work/enough" ]; do
    curl -sS --noproxy '*' -m 30 -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $HOOKFLEET_TOKEN" -d '{}' "$HOOKFLEET_URL" || true
  done
}
sender >"$work/seen" 2>&1 &
sending=$!
./fleet up --ingress 3 --workers 1 >/dev/null || fail "scaling"
ready || fail "not ready after scaling"
[ ! -e .fleet/run/worker-2.pid ] || fail "worker-2 still runs"
old=$(pid ingress-1)$(pid ingress-3)$(pid worker-1)
echo 'worker: {concurrency: 5}' >"$work/five.yaml"
./fleet up --config "$work/five.yaml" >/dev/null || fail "up with other settings"
[ "$old" != "$(pid ingress-1)$(pid ingress-3)$(pid worker-1)" ] || fail "nothing was started anew with other settings"
./fleet up --config none --ingress 1 >/dev/null || fail "scaling down"
[ ! -e .fleet/run/ingress-2.pid ] || fail "ingress-2 still runs"
: >"$work/enough"
wait "$sending"
[ "$(sort -u "$work/seen")" = 200 ] || fail "senders saw: $(sort "$work/seen" | uniq -c | tr '\n' ';')"
(($(wc -l <"$work/seen") > 50)) || fail "only $(wc -l <"$work/seen") posts were made meanwhile"

for _ in 1 2 3; do works; done

step "another token, without a restart"
old=$(pid ingress-1)
taken() { [ "$(post "$1")" = 200 ]; }
./fleet up --token token-of-arguments >"$work/out" || fail "up --token"
grep -q 'others are refused' "$work/out" || fail "up doesn't say that other tokens are refused"
within 15 taken token-of-arguments || fail "the new token isn't taken"
printf 'token-of-the-test\nand more\n' >"$work/token"
./fleet up --token-file "$work/token" >/dev/null || fail "up --token-file"
within 15 taken token-of-the-test || fail "the token of a file isn't taken"
printf 'token of three words\n' >"$work/bad_token"
ends_with 2 ./fleet up --token-file "$work/bad_token"
if grep -qF 'three words' "$work/out"; then fail "a refused token is shown"; fi
./fleet up --token-file - <"$work/token" >/dev/null || fail "up --token-file -"
[ "$old" = "$(pid ingress-1)" ] || fail "the ingress was started anew for it"

step "what nginx was told by the environment is kept"
believes() { grep -q 'set_real_ip_from 127.0.0.9;' .fleet/nginx/nginx.conf; }
NGINX_REAL_IP_FROM=127.0.0.9 ./fleet up >"$work/out" || fail "up with NGINX_REAL_IP_FROM"
believes || fail "NGINX_REAL_IP_FROM is not taken"
./fleet up >"$work/out" || fail "up"
believes || fail "NGINX_REAL_IP_FROM is forgotten"
grep -q 'NGINX_REAL_IP_FROM=127.0.0.9' "$work/out" || fail "up doesn't say what is kept: $(cat "$work/out")"
NGINX_REAL_IP_FROM='' ./fleet up >/dev/null || fail "up with an empty NGINX_REAL_IP_FROM"
! believes || fail "NGINX_REAL_IP_FROM stays"

step "bad settings are refused and nothing changes"
echo 'append: {deadlin: 3s}' >"$work/bad.yaml"
ends_with 2 ./fleet up --config "$work/bad.yaml"
grep -qF "$work/bad.yaml:1:10: append.deadlin" "$work/out" || fail "nothing is said about the bad setting: $(cat "$work/out")"
ready || fail "not ready after refused settings"

step "variables of the settings are those of the last up"
# shellcheck disable=SC2016
echo 'worker: {concurrency: "${FLEET_TEST_NUMBER}"}
routes: [{match: {typeWebhook: [incomingMesageReceived]}, actions: [log]}, shipped]' >"$work/with.yaml"
has() { tr '\0' '\n' <"/proc/$(pid worker-1)/environ" | grep -qx "FLEET_TEST_NUMBER=$1"; }
ends_with 2 ./fleet up --config "$work/with.yaml"
grep -q FLEET_TEST_NUMBER "$work/out" || fail "nothing is said about the missing variable: $(cat "$work/out")"
FLEET_TEST_NUMBER=7 ./fleet up --config "$work/with.yaml" >"$work/out" || fail "up with a variable"
grep -q 'settings .*with.yaml' "$work/out" || fail "up doesn't say whose settings hold"
grep -qF "warning: $work/with.yaml:2:" "$work/out" || fail "up keeps quiet about what may be a mistake: $(cat "$work/out")"
has 7 || fail "the worker hasn't the variable"
./fleet status >"$work/out"; grep -qF "$work/with.yaml" "$work/out" || fail "status doesn't say whose settings hold"
FLEET_TEST_NUMBER='8' ./fleet up >/dev/null || fail "up with another value"
has 8 || fail "the worker has the value of an earlier up"
old=$(pid worker-1)
./fleet up >/dev/null || fail "up without the variable"
[ "$old" = "$(pid worker-1)" ] || fail "the worker was started anew though nothing has changed"
HOOKFLEET_TOKEN=token-of-the-test works
./fleet up --config none >/dev/null || fail "up --config none"

step "an allowlist that is enforced, and the settings as they are taken over while all runs"
answered() { [ "$(post token-of-the-test)" = "$1" ]; }
live() { echo "auth: {allowlist: {mode: enforce, addresses: [$1]}}" | cat "$work/five.yaml" - >"$work/live.yaml"; }
live 46.101.109.139
./fleet up --config "$work/live.yaml" >"$work/out" || fail "up with settings of its own"
grep -q '^Try it (answered 403 from here, .* 127.0.0.1 isn.t listed' "$work/out" || fail "up doesn't say that its line is refused from here: $(cat "$work/out")"
answered 403 || fail "an unlisted address is answered $(cat "$work/answer")"
live 127.0.0.1
within 15 answered 200 || fail "a listed address is answered $(cat "$work/answer")"
./fleet status >"$work/out" || fail "not ready with settings taken over: $(cat "$work/out")"
grep -q 'have changed since ./fleet up' "$work/out" || fail "status doesn't say that the settings have changed: $(cat "$work/out")"
./fleet up >"$work/out" || fail "up with the settings as they are"
if grep -q 'answered 403' "$work/out"; then fail "up says that a listed address is refused: $(cat "$work/out")"; fi
./fleet status >"$work/out"
if grep -q 'have changed' "$work/out"; then fail "status says that something has changed: $(cat "$work/out")"; fi

step "settings that are wrong on the disk; a process that had to start with them is started again when they are right"
echo 'append: {deadlin: 3s}' >"$work/live.yaml"
ends_with 1 ./fleet status
grep -qF "$work/live.yaml:1:10: append.deadlin" "$work/out" || fail "status doesn't say what is wrong with the settings: $(cat "$work/out")"
[ "$(grep -c 'append.deadlin' "$work/out")" = 1 ] || fail "status says it more than once: $(cat "$work/out")"
told() { grep '"event":"system.reload_failed"' .fleet/log/ingress-1.log | grep -qF "$work/live.yaml:1:10: append.deadlin"; }
within 15 told || fail "the log doesn't name the file that is wrong: $(tail -n 3 .fleet/log/ingress-1.log)"
kill -9 "$(pid ingress-1)"
refused() { grep -q 'ingress-1 refuses its settings' .fleet/log/watch.log; }
within 30 refused || fail "nobody says that ingress-1 refuses its settings: $(cat .fleet/log/watch.log)"
grep -qE '^[0-9]{4}-[0-9-]+T[0-9:]+Z starting hookfleet-ingress$' .fleet/log/ingress-1.out || fail "no date in: $(cat .fleet/log/ingress-1.out)"
grep -qF "$work/live.yaml:1:10: append.deadlin" .fleet/log/ingress-1.out || fail "the file isn't named in: $(cat .fleet/log/ingress-1.out)"
ends_with 0 ./fleet logs ingress-1
grep -qF 'starting hookfleet-ingress' "$work/out" || fail "logs keeps last words from us"
cp "$work/five.yaml" "$work/live.yaml"
within 60 ready || fail "ingress-1 does not come back: $(./fleet status)"
./fleet up --config none >/dev/null || fail "up --config none"

step "another layout is refused and nothing changes"
old=$(pid ingress-1)
echo 'stream: {partitions: 8}' >"$work/other.yaml"
ends_with 1 ./fleet up --config "$work/other.yaml"
grep -q "32 chat.*8 chat" "$work/out" || fail "nothing is said about the layouts: $(cat "$work/out")"
[ "$old" = "$(pid ingress-1)" ] || fail "the ingress was started anew"
ready || fail "not ready after a refused layout"

step "pollers come and go"
echo 'poller: {instances: [{id: 1101000001, api_url: "http://127.0.0.1:1", token: api-token-of-the-test}]}' >"$work/poll.yaml"
./fleet up --config "$work/poll.yaml" --pollers 2 >"$work/out" || fail "up --pollers"
grep -q '2 × poller' "$work/out" || fail "up keeps quiet about the pollers: $(cat "$work/out")"
ready || fail "not ready with pollers"
for name in poller-1 poller-2; do kill -0 "$(pid "$name")" || fail "no pid of $name"; done
grep -q 'hookfleet-poller' .fleet/targets.json || fail "Prometheus wouldn't scrape the pollers"
within 20 grep -q '"event":"poll.failed"' .fleet/log/poller-1.log .fleet/log/poller-2.log || fail "no poller asks for the instance"
trouble() { ./fleet status >"$work/out" && grep -qE '1101000001 +failing .*:[0-9]+:.* retry: ' "$work/out"; }
within 20 trouble || fail "status doesn't show the pollers' trouble: $(cat "$work/out")"
grep -qE '^POLLER +HEARTBEAT' "$work/out" || fail "status shows no pollers: $(cat "$work/out")"
! grep -rqF api-token-of-the-test .fleet/log || fail "the API token stands in a log"
./fleet logs poller -n 1 >"$work/out"; grep -q '^{' "$work/out" || fail "logs prints no records of pollers"
old=$(pid poller-1)
kill -KILL "$old"
within 30 replaced poller-1 "$old" || fail "a killed poller isn't back"
./fleet up --config none --pollers 0 >/dev/null || fail "up --pollers 0"
[ ! -e .fleet/run/poller-1.pid ] || fail "poller-1 still runs"
ready || fail "not ready without pollers"

step "none taken, then again"
./fleet up --ingress 0 >"$work/out" || fail "up --ingress 0"
grep -q "nothing is taken" "$work/out" || fail "up --ingress 0 doesn't say that nothing is taken: $(cat "$work/out")"
[ "$(post 2>/dev/null)" = 000 ] || fail "something answers without an ingress"
ready || fail "not content without an ingress"
./fleet up --ingress 1 >/dev/null || fail "up after --ingress 0"
HOOKFLEET_TOKEN=token-of-the-test works

step "logs"
./fleet logs worker -n 1 | grep -c '^{' >"$work/count" || fail "logs prints no records"
! ./fleet logs | grep '^==>' || fail "logs prints headings into a pipe"

step "without its supervisor"
kill -KILL "$(pid supervisor)"
! ./fleet status >"$work/out" || fail "status is content without a supervisor"
./fleet up >"$work/out" 2>&1 || { cat "$work/out" >&2; fail "up after the supervisor was killed"; }
# shellcheck source=/dev/null
. .fleet/env
works

step "down keeps the data"
redis-cli -u "$REDIS_URL" set kept yes >/dev/null
./fleet down >/dev/null || fail "down"
no_fleet_left || fail "processes are left after down"
! ./fleet status >/dev/null || fail "status is content after down"
/usr/bin/python3 -m http.server -b 127.0.0.1 "$port" >/dev/null 2>&1 &
server=$!
taken_port() { ! /usr/bin/python3 deploy/fleet/port.py check 127.0.0.1 "$port" >/dev/null; }
within 10 taken_port || fail "the port is not taken"
ends_with 1 ./fleet up
kill "$server"
grep -q "taken by python3 (pid $server)" "$work/out" || fail "up doesn't say who holds the port: $(cat "$work/out")"
./fleet up >/dev/null || fail "up after down"
# shellcheck source=/dev/null
. .fleet/env
[ "$(redis-cli -u "$REDIS_URL" get kept)" = yes ] || fail "the data is gone"
[ "$HOOKFLEET_TOKEN" = token-of-the-test ] || fail "the token is gone"
ends_with 2 ./fleet down --purge </dev/null
ready || fail "down --purge without a yes stopped something"
./fleet down --purge --yes >/dev/null || fail "down --purge"
no_fleet_left || fail "processes are left"
[ ! -e .fleet ] || fail ".fleet is left"

step "from its own Redis to one of the user's, with a password"
./fleet up --port "$port" --ingress 1 --workers 1 --redis own >/dev/null || fail "up with its own Redis"
own_port=$(free_ports 1)
mkdir "$work/redis"
redis-server --port "$own_port" --bind 127.0.0.1 --dir "$work/redis" --requirepass 's%cret:1' --appendonly yes --appendfsync always --save '' \
  --no-appendfsync-on-rewrite no --aof-load-truncated no --maxmemory 256mb --maxmemory-policy noeviction >/dev/null &
server=$!
answers_with_password() { [ "$(REDISCLI_AUTH='s%cret:1' redis-cli -p "$own_port" ping 2>/dev/null)" = PONG ]; }
within 10 answers_with_password || fail "the other Redis doesn't start"
./fleet up --port "$port" --ingress 1 --workers 1 --redis "redis://:s%25cret%3A1@127.0.0.1:$own_port/0" >"$work/out" || fail "up with a Redis of the user's: $(cat "$work/out")"
ready || fail "not ready with a Redis of the user's"
grep -q "own Redis stops" "$work/out" || fail "up doesn't say that its own Redis stops: $(cat "$work/out")"
! grep -q 's%25cret' "$work/out" || fail "up shows the password"
ends_with 1 ./fleet up --config "$work/other.yaml"
grep -q "32 chat.*8 chat" "$work/out" || fail "nothing is said about the layouts: $(cat "$work/out")"
./fleet up --redis own >"$work/out" || fail "up, back to the fleet's own Redis: $(cat "$work/out")"
ready || fail "not ready after coming back to the fleet's own Redis"
./fleet down --purge --yes >/dev/null || fail "down --purge"
kill "$server"
step "passed"
