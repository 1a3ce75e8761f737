#!/usr/bin/env bash
# The fleet in containers: builds the images, brings docker-compose.yml up, posts, scales, reads logs and metrics, takes it down.
# Exit 77 (skipped) without a Docker Engine. Everything but the images is removed afterwards; they are kept as the next run's cache.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=/dev/null
. tests/support/script.sh

skip() { echo "SKIPPED: $*"; exit 77; }
fail() {
  echo "FAILED: $*" >&2
  compose ps >&2 || true
  compose logs --no-color --tail 30 >&2 || true
  exit 1
}

command -v docker >/dev/null || skip "there is no docker command"
docker version --format '{{.Server.Version}}' >/dev/null 2>&1 || skip "no Docker Engine answers this user"
if docker compose version >/dev/null 2>&1; then
  compose_command=(docker compose)
elif command -v docker-compose >/dev/null; then
  compose_command=(docker-compose)
else
  skip "there is no docker-compose"
fi

work=$(mktemp -d)
project=hookfleet-e2e-$$
HOOKFLEET_TAG=e2e-$(pwd -P | cksum | cut -d ' ' -f 1)
mapfile -t ports < <(free_ports 3)
port=${ports[0]}
HOOKFLEET_PORT=127.0.0.1:$port
HOOKFLEET_TOKEN=
PROMETHEUS_PORT=127.0.0.1:${ports[1]}
ALERTMANAGER_PORT=127.0.0.1:${ports[2]}
export HOOKFLEET_TAG HOOKFLEET_PORT HOOKFLEET_TOKEN PROMETHEUS_PORT ALERTMANAGER_PORT
url=http://127.0.0.1:$port/webhook
compose() { "${compose_command[@]}" -p "$project" "$@"; }
prometheus_says() {  # prometheus_says EXPRESSION VALUE
  curl -sSf --noproxy '*' -G --data-urlencode "query=$1" "http://$PROMETHEUS_PORT/api/v1/query" | grep -q ",\"$2\"\]"
}
scraped() {  # scraped JOB COUNT: so many targets of the job are up
  prometheus_says "count(up{job=\"$1\"} == 1)" "$2"
}
cleanup() {
  compose --profile monitoring down -v --remove-orphans -t 30 >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

ids() { docker ps -q --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$1"; }
healthy() {  # healthy SERVICE COUNT
  local id count=0
  for id in $(ids "$1"); do [ "$(docker inspect --format '{{.State.Health.Status}}' "$id")" != healthy ] || count=$((count + 1)); done
  [ "$count" -eq "$2" ]
}
post() {  # post TOKEN ID: prints the status
  curl -sS --noproxy '*' -m 30 -o "$work/answer" -w '%{http_code}' -H "Authorization: Bearer $1" -H 'Content-Type: application/json' -d '{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101000001,"wid":"79990000000@c.us","typeInstance":"whatsapp"},"timestamp":1700000000,"idMessage":"'"$2"'","senderData":{"chatId":"79990000001@c.us","sender":"79990000001@c.us"},"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"Hello"}}}' "$url"
}
handled() { compose logs --no-color worker 2>/dev/null | grep '"event":"notification"' | grep '"outcome":"done"' | grep "\"idMessage\":\"$1\"" >/dev/null; }
metric() {  # metric HOST TEXT: its /metrics holds the text; asked from within, nothing but nginx is published
  docker exec "$(ids nginx)" bash -c 'exec 3<>"/dev/tcp/$0/9090" && printf "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" >&3 && cat <&3' "$1" | grep "$2" >/dev/null
}

step "base image"
deploy/docker/base-image.sh
step "images"
compose --profile monitoring build >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log" >&2; fail "the images do not build"; }

step "up"
compose up -d --no-build >"$work/up.log" 2>&1 || { cat "$work/up.log" >&2; fail "up"; }
for service in redis ingress nginx worker; do within 90 healthy "$service" 1 || fail "$service does not become healthy"; done
token=$(compose logs --no-color token 2>/dev/null | sed -n 's/.*token: \([^ ]*\) (.*/\1/p')
[ -n "$token" ] || fail "no token was printed"
line=$(compose logs --no-color token 2>/dev/null | sed -n 's/.*try:  *\(curl .*\)/\1/p')
no_proxy='*' bash -c "$line" 2>&1 | grep -q '^HTTP/1.1 200' || fail "the printed line does not end in a 200: $line"

step "a notification is stored and handled"
[ "$(post "$token" FIRST)" = 200 ] || fail "post answered $(cat "$work/answer")"
within 30 handled FIRST || fail "the worker has no record of it"
[ "$(post wrong NEVER)" = 401 ] || fail "a wrong token is not answered 401"
metric ingress '^hookfleet_' || fail "the ingress has no metrics"
metric worker '^hookfleet_' || fail "the worker has no metrics"

step "the command line inside a worker"
compose exec -T worker hookfleet status >"$work/status" 2>&1 || { cat "$work/status" >&2; fail "hookfleet status"; }
grep -q 'partitions 32/32 owned  backlog 0 .*  dead letters 0 ' "$work/status" || { cat "$work/status" >&2; fail "hookfleet status tells something else"; }

step "what the containers may do"
for service in redis nginx ingress worker; do
  id=$(ids "$service")
  said=$(docker inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Privileged}} {{.HostConfig.CapDrop}} {{.HostConfig.CapAdd}} {{.HostConfig.SecurityOpt}}' "$id")
  [ "$said" = 'true false [ALL] [] [no-new-privileges:true]' ] || fail "$service runs with: $said"
  pid=$(docker inspect --format '{{.State.Pid}}' "$id")
  [ "$(awk '/^Uid:/ { print $2 $3 $4 $5 }' "/proc/$pid/status" 2>/dev/null || echo 1)" != 0000 ] || fail "$service runs as root"
  capabilities=$(awk '/^Cap(Prm|Eff|Amb):/ { printf "%s", $2 }' "/proc/$pid/status" 2>/dev/null || true)
  [ -z "${capabilities//0/}" ] || fail "$service has capabilities: $capabilities"
done
for service in ingress worker; do
  for shell in sh bash /bin/sh busybox; do
    if docker exec "$(ids "$service")" "$shell" -c true >/dev/null 2>&1; then fail "there is a shell in $service: $shell"; fi
  done
done
# Nobody may come without a name, `health` may ping, and nobody but its own service knows a role's password.
redis() { docker exec "$(ids redis)" redis-cli --user health --pass none --no-auth-warning "$@" 2>&1; }
[ "$(redis ping)" = PONG ] || fail "Redis does not answer a ping"
docker exec "$(ids redis)" redis-cli ping 2>&1 | grep -q NOAUTH || fail "Redis answers who gives no name"
for command in "info" "keys *" "flushall" "config get maxmemory" "xlen x" "shutdown nosave" "acl list"; do
  read -r -a words <<<"$command"
  redis "${words[@]}" | grep -q NOPERM || fail "Redis runs for anybody: $command"
done

step "three workers, two ingresses"
compose up -d --no-build --scale worker=3 --scale ingress=2 >"$work/up.log" 2>&1 || { cat "$work/up.log" >&2; fail "scaling up"; }
within 60 healthy worker 3 || fail "three workers do not become healthy"
within 60 healthy ingress 2 || fail "two ingresses do not become healthy"
for number in $(seq 20); do [ "$(post "$token" "SCALED$number")" = 200 ] || fail "post $number answered $(cat "$work/answer")"; done
for number in $(seq 20); do within 30 handled "SCALED$number" || fail "notification $number was not handled"; done

step "Prometheus finds them all, and Alertmanager"
compose --profile monitoring up -d --no-build --scale worker=3 --scale ingress=2 >"$work/up.log" 2>&1 || { cat "$work/up.log" >&2; fail "monitoring"; }
for service in prometheus alertmanager redis-exporter nginx-exporter; do within 180 healthy "$service" 1 || fail "$service does not become healthy"; done
for job in ingress=2 worker=3 redis=1 nginx=1; do within 120 scraped "hookfleet-${job%=*}" "${job#*=}" || fail "Prometheus doesn't see $job"; done
for one in redis_up nginx_up; do within 60 prometheus_says "$one" 1 || fail "the exporter doesn't reach its service: $one"; done
shows() { curl -sSf --noproxy '*' -o "$work/page" "http://$PROMETHEUS_PORT/$1" && grep -q "$2" "$work/page"; }  # shows PATH TEXT
within 60 shows api/v1/alertmanagers '"activeAlertmanagers":\[{' || fail "Prometheus doesn't know Alertmanager"
within 60 shows consoles/hookfleet.html '<span>Workers</span><strong>3</strong>' || fail "the console doesn't see three workers: $(grep -A1 Workers "$work/page")"

step "back to one ingress while notifications come"
compose up -d --no-build --scale worker=3 --scale ingress=1 >"$work/up.log" 2>&1 &
scaling=$!
sent=0
while kill -0 "$scaling" 2>/dev/null || ((sent < 20)); do
  sent=$((sent + 1))
  [ "$(post "$token" "DOWN$sent")" = 200 ] || fail "post $sent answered $(cat "$work/answer") while an ingress went"
done
wait "$scaling" || fail "scaling down"
for number in $(seq "$sent"); do within 30 handled "DOWN$number" || fail "notification $number was not handled"; done

step "a token of one's own, taken without a restart"
HOOKFLEET_TOKEN=token-of-the-test compose up -d --no-build --no-deps token >"$work/up.log" 2>&1 || { cat "$work/up.log" >&2; fail "token"; }
compose kill -s HUP ingress >"$work/up.log" 2>&1 || { cat "$work/up.log" >&2; fail "SIGHUP"; }
taken() { [ "$(post token-of-the-test OWN)" = 200 ]; }
within 30 taken || fail "the new token is not taken"

step "everything ends within its grace"
compose stop >"$work/up.log" 2>&1
for id in $(docker ps -aq --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=ingress") \
  $(docker ps -aq --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=worker"); do
  [ "$(docker inspect --format '{{.State.ExitCode}}' "$id")" = 0 ] || fail "a program ended with $(docker inspect --format '{{.State.ExitCode}}' "$id")"
done
step "passed"
