#!/usr/bin/env bash
# ./fleet demo, with the programs of HOOKFLEET_BIN_DIR, in a folder whose path has blanks: it shows what it says, keeps its fleet when asked
# and leaves nothing behind otherwise.
set -euo pipefail
cd "$(dirname "$0")/../.."
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
  cat "$work/said" >&2 || true
  exit 1
}
cleanup() {
  [ ! -s .fleet-demo/service.pid ] || kill "$(cat .fleet-demo/service.pid)" 2>/dev/null || true
  HOOKFLEET_FLEET=.fleet-demo ./fleet down --purge --yes >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
said() { grep -qE -e "$1" "$work/said" || fail "it doesn't say \"$1\""; }
nobody_left() {
  local process
  for process in /proc/[0-9]*; do
    case $(readlink "$process/cwd" 2>/dev/null) in "$here"*/.fleet-demo* ) return 1 ;; esac
  done
}

step "wrong use"
code=0
./fleet demo --nonsense >"$work/said" 2>&1 || code=$?
[ "$code" -eq 2 ] || fail "demo --nonsense ends with $code"
code=0
HOOKFLEET_FLEET=../elsewhere ./fleet down --purge --yes >"$work/said" 2>&1 || code=$?
[ "$code" -eq 2 ] || fail "a folder that is none of ./fleet's ends with $code"

step "demo --keep"
HOOKFLEET_DEMO_SECONDS=15 ./fleet demo --keep >"$work/said" 2>&1 || fail "demo --keep ends with $?"
said '^verdict +0 lost, 0 out of order$'
said '^partitions 32/32 owned'
said ' rejected +incomingMessageReceived +7700000001 '
said '^redriven 1$'
said '7700000001 79990000001@c.us "two teapots, please"'
said '^no dead letter matches'
HOOKFLEET_FLEET=.fleet-demo ./fleet status >/dev/null || fail "the fleet that was to stay isn't ready"
[ ! -e .fleet ] || fail "it made a fleet of the user's"
# shellcheck source=/dev/null
posted() (
  . .fleet-demo/env
  [ "$(command -v hookfleet)" = "$(realpath "$HOOKFLEET_BIN_DIR")/hookfleet" ] || fail "env's PATH isn't that of HOOKFLEET_BIN_DIR: $PATH"
  curl -sS --noproxy '*' -H "Authorization: Bearer $HOOKFLEET_TOKEN" -d '{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101000001,"wid":"79990000000@c.us","typeInstance":"whatsapp"},"timestamp":1700000000,"idMessage":"AFTERTHEDEMO","senderData":{"chatId":"79990000009@c.us","sender":"79990000009@c.us","senderName":"Ada"},"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"the demo is over"}}}' "$HOOKFLEET_URL"
)
# shellcheck source=/dev/null
nothing_waits() (. .fleet-demo/env && hookfleet status | grep '  backlog 0  .*retries 0  ' >/dev/null)
came() { grep -q 'the demo is over' .fleet-demo/service.log; }
posted || fail "the fleet that stays takes nothing"
within 20 came || fail "the fleet that stays hands nothing on"
within 20 nothing_waits || fail "the fleet that stays waits for the simulator that ended"
service=$(cat .fleet-demo/service.pid)
kill -0 "$service" || fail "the service that was to stay is gone"

step "another one takes its place, alone, and leaves nothing"
HOOKFLEET_DEMO_SECONDS=15 ./fleet demo >"$work/said" 2>&1 &
demo=$!
begun() { grep -q '^1\. A fleet of its own' "$work/said"; }
within 60 begun || fail "the second demo does not begin"
code=0
./fleet demo >"$work/third" 2>&1 || code=$?
[ "$code" -eq 1 ] || fail "a demo beside another one ends with $code: $(cat "$work/third")"
grep -q "another ./fleet demo is at work in $here" "$work/third" || fail "a demo beside another one says: $(cat "$work/third")"
wait "$demo" || fail "demo ends with $?"
said '^verdict +0 lost, 0 out of order$'
[ ! -e .fleet-demo ] || fail ".fleet-demo is left: $(ls -A .fleet-demo)"
# Where nobody waits for orphans (a container whose first process is no init) an ended one stays as a zombie.
state=$(awk '$1 == "State:" { print $2 }' "/proc/$service/status" 2>/dev/null || true)
case $state in '' | Z) ;; *) fail "the service of the first one runs still ($state)" ;; esac
within 10 nobody_left || fail "processes are left"
echo passed
