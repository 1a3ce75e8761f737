#!/usr/bin/env bash
# The README's start on a machine that has nothing: a clone of HEAD in a bare Debian container, ./fleet up, the printed curl line.
# .ci/bare_container.sh [test]: with `test` also ./fleet test. [root|user]: as whom, default root; user has sudo.
set -euo pipefail
cd "$(dirname "$0")/.."

also_test='' who=root
for word in "$@"; do
  case $word in
    test) also_test=1 ;;
    root | user) who=$word ;;
    *) echo "bare_container: unknown word $word" >&2; exit 2 ;;
  esac
done
deploy/docker/base-image.sh

work=$(mktemp -d)
container=
cleanup() {
  [ -z "$container" ] || docker rm -f "$container" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
git clone -q --no-local . "$work/hookfleet"
container=$(docker run -d --ulimit nofile=16384 debian:bookworm-slim sleep infinity)
docker exec "$container" mkdir /home/fleet
docker cp -q "$work/hookfleet" "$container:/home/fleet/hookfleet" 2>/dev/null || docker cp "$work/hookfleet" "$container:/home/fleet/hookfleet"
inside() { docker exec -u "$who" -w /home/fleet/hookfleet "$container" "$@"; }
if [ "$who" = user ]; then
  docker exec "$container" sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends sudo >/dev/null 2>&1 &&
    useradd -d /home/fleet -s /bin/bash user && echo "user ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/user && chown -R user: /home/fleet'
else
  docker exec "$container" chown -R root: /home/fleet
fi

step() { printf '\n=== %s (%(%H:%M:%S)T)\n' "$1" -1; }
fail() {
  echo "bare_container: $*" >&2
  inside sh -c 'tail -n 20 .fleet/log/*' >&2 || true
  exit 1
}

step "./fleet up"
inside ./fleet up | tee "$work/up" || fail "./fleet up"
step "the printed curl line"
grep '^curl ' "$work/up" >"$work/curl"
docker cp "$work/curl" "$container:/tmp/curl"
inside sh /tmp/curl | tee "$work/answer"
grep -q '^HTTP/1.1 200' "$work/answer" || fail "the printed curl line is not answered 200"
# shellcheck disable=SC2016
inside sh -c 'for i in $(seq 50); do grep -h "\"event\":\"notification\"" .fleet/log/worker-*.log && exit; sleep 0.2; done; exit 1' || fail "no record in the workers' logs"
# shellcheck disable=SC2016
inside sh -c '. .fleet/env; for url in $METRICS_URLS; do curl -sS "$url"; done' >"$work/metrics"
grep -E '^hookfleet_[a-z_]+_total\{.*outcome="stored".*\} 1$' "$work/metrics" || fail "no counter of it in /metrics"
inside ./fleet status || fail "status"
step "again: seconds"
before=$SECONDS
inside ./fleet up --ingress 3 --workers 1 >"$work/again" || fail "second ./fleet up"
echo "$((SECONDS - before)) s"
((SECONDS - before < 30)) || fail "the second ./fleet up took $((SECONDS - before)) s"
if [ -n "$also_test" ]; then
  step "./fleet test"
  inside ./fleet test || fail "./fleet test"
fi
step "./fleet down"
inside ./fleet down
! inside ./fleet status || fail "status says the fleet is up"
# shellcheck disable=SC2016
left=$(inside sh -c 'for p in /proc/[0-9]*; do case $(readlink $p/cwd) in */.fleet*) cat $p/comm ;; esac; done' 2>/dev/null) || true
[ -z "$left" ] || fail "still running after down: $left"
[ "$(docker exec "$container" cat /usr/sbin/policy-rc.d 2>/dev/null | tail -n 1)" = "exit 101" ] || fail "policy-rc.d was not put back"
step "all well"
