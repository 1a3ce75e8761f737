#!/usr/bin/env bash
# The fleet in containers: builds the images, reads their SBOMs, brings docker-compose.yml up, pushes while it is scaled and Redis restarted, looks
# at what each container may do, restores a backup, fetches with a poller, takes it down.
# HOOKFLEET_LOAD_SECONDS: so long at least it pushes meanwhile, and then once more with Redis away beyond the deadline. Default: only as long as
# the scaling takes.
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
mapfile -t ports < <(free_ports 4)
port=${ports[0]}
HOOKFLEET_PORT=127.0.0.1:$port
HOOKFLEET_TOKEN=
PROMETHEUS_PORT=127.0.0.1:${ports[1]}
ALERTMANAGER_PORT=127.0.0.1:${ports[2]}
# Who reads what a route republishes; nobody else may in Redis.
REDIS_USERS="user proof on >of-the-test ~simulated ~hf:* +@read +@connection +time"
HOOKFLEET_POLLER_CONFIG=$work/poller.yaml
export HOOKFLEET_TAG HOOKFLEET_PORT HOOKFLEET_TOKEN PROMETHEUS_PORT ALERTMANAGER_PORT REDIS_USERS HOOKFLEET_POLLER_CONFIG
[ "${compose_command[0]}" = docker ] || export DOCKER_BUILDKIT=0  # docker-compose knows the older builder only: one cache for both
url=http://127.0.0.1:$port/webhook
compose() { "${compose_command[@]}" -f docker-compose.yml -f "$work/override.yml" -p "$project" "$@"; }
everything=(--profile monitoring --profile poller --profile cli)
up() { compose "$@" >"$work/up.log" 2>&1 || { cat "$work/up.log" >&2; fail "$*"; }; }
prometheus_says() {  # prometheus_says EXPRESSION VALUE
  curl -sSf --noproxy '*' -G --data-urlencode "query=$1" "http://$PROMETHEUS_PORT/api/v1/query" | grep -q ",\"$2\"\]"
}
scraped() {  # scraped JOB COUNT: so many targets of the job are up
  prometheus_says "count(up{job=\"$1\"} == 1)" "$2"
}
cleanup() {
  [ ! -s "$work/containers" ] || xargs docker rm -fv <"$work/containers" >/dev/null 2>&1 || true
  compose "${everything[@]}" down -v --remove-orphans -t 30 >/dev/null 2>&1 || true
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

# What the simulator's instances send goes into a stream, the rest where it is shipped to.
instances=$(seq -s ', ' 7700000001 7700000020)
{
  cat deploy/hookfleet.yaml
  echo "routes: [{match: {idInstance: [$instances]}, actions: [{stream: {key: simulated, maxlen: 1000000}}]}, shipped]"
} >"$work/settings.yaml"
{
  cat "$work/settings.yaml"
  echo "poller:"
  echo "  retry_max: 2s"
  echo "  instances:"
  for id in 7700000001 7700000002 7700000003; do echo "    - {id: $id, api_url: 'http://127.0.0.1:19100', token: simulated}"; done
} >"$work/poller.yaml"
cat >"$work/override.yml" <<YAML
services:
  redis: {ports: ["127.0.0.1:${ports[3]}:6379"]}
  ingress: {volumes: ["$work/settings.yaml:/etc/hookfleet/hookfleet.yaml:ro"]}
  worker: {volumes: ["$work/settings.yaml:/etc/hookfleet/hookfleet.yaml:ro"]}
YAML
chmod 644 "$work"/*

simulate() {  # simulate NETWORK REDIS WORDS…: starts the image's simulator there; its container is $simulator
  local network=$1 redis=$2
  shift 2
  simulator=$(docker run -d --network "$network" --read-only --cap-drop ALL --security-opt no-new-privileges:true -e HOOKFLEET_TOKEN="$token" \
    -e HOOKFLEET_REDIS__URL="redis://proof:of-the-test@$redis/0" "hookfleet-cli:$HOOKFLEET_TAG" simulate --verify --stream simulated \
    --first-instance 7700000001 --settle 120s -o json "$@")
  echo "$simulator" >>"$work/containers"
}
proved() {  # proved [refused]: the simulator ended and has proved that nothing is lost; all answers were 200, or with `refused` some were not
  local code
  code=$(timeout 300 docker wait "$simulator") || fail "the simulator does not end: $(docker logs --tail 5 "$simulator" 2>&1)"
  docker logs "$simulator" >"$work/report.json" 2>"$work/simulator.log"
  [ "$code" = 0 ] || fail "the simulator ended with $code: $(cat "$work/simulator.log" "$work/report.json")"
  /usr/bin/python3 - "$work/report.json" "${1:-}" <<'PYTHON' || fail "the simulator's report says something else: $(cat "$work/report.json")"
import json, sys
said = json.load(open(sys.argv[1]))
proof, kinds = said["proof"], said["kinds"]
broken = kinds.get("schema-broken", 0) + kinds.get("malformed", 0)
again = kinds.get("repeat", 0) + kinds.get("changed", 0)
print(f"         acknowledged {said['acknowledged']} = {proof['received']} handled + {proof['dead_letters']} dead letters + {again} repeats; answers {said.get('answers')}; {proof['lost']} lost, {proof['out_of_order']} out of order")
assert said["acknowledged"] > 100 and proof["lost"] == 0 and proof["out_of_order"] == 0 and proof["received_again"] == 0
if sys.argv[2] == "refused":
    assert set(said["answers"]) - {"200"}, "Redis was away beyond the deadline, and nobody was told"
else:
    assert set(said.get("answers") or {"200"}) == {"200"}, "an answer other than 200"
    assert proof["received"] + proof["dead_letters"] + again == said["acknowledged"] and proof["dead_letters"] == broken
PYTHON
}
sbom_of() {  # sbom_of IMAGE: out of an image that may have no shell
  local id
  id=$(docker create "$1" none)
  docker cp "$id:/sbom.spdx.json" - | tar -xO
  docker rm -v "$id" >/dev/null
}

step "base image"
if deploy/docker/images.sh http://registry.invalid 2>"$work/said"; then fail "images.sh takes a URL for a registry"; fi
grep -q 'registry.example.org/hookfleet' "$work/said" || fail "images.sh does not say what it takes: $(cat "$work/said")"
deploy/docker/base-image.sh
step "images"
deploy/docker/images.sh >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log" >&2; fail "deploy/docker/images.sh"; }
compose "${everything[@]}" build >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log" >&2; fail "the images do not build"; }
# What the programs were built from: the stage before the images, which is there by now.
docker build -q --target build -t "hookfleet-build:$HOOKFLEET_TAG" -f deploy/docker/Dockerfile . >/dev/null 2>"$work/build.log" || fail "the build stage: $(cat "$work/build.log")"
for image in redis nginx token secrets ingress poller worker cli monitoring; do
  sbom_of "hookfleet-$image:$HOOKFLEET_TAG" >"$work/sbom-$image" || fail "$image has no SBOM"
  docker image inspect --format "$image {{.Size}}" "hookfleet-$image:$HOOKFLEET_TAG" | awk '{ printf "         %-10s %4.0f MB\n", $1, $2 / 1e6 }'
done

step "their SBOMs name what is in them"
versions() { docker run --rm --entrypoint dpkg-query "hookfleet-$1:$HOOKFLEET_TAG" -W -f '${Package} ${Version}\n' | sort -u; }
for image in redis nginx token secrets monitoring build; do versions "$image" >"$work/versions-$image"; done
for image in ingress poller worker cli; do
  docker export "$(docker create "hookfleet-$image:$HOOKFLEET_TAG" none | tee -a "$work/containers")" | tar -t | grep '\.so' >"$work/libraries-$image"
  docker run --rm -i --entrypoint sh "hookfleet-build:$HOOKFLEET_TAG" -c '
    sed "s|^|/|" | xargs readlink -f >/tmp/files
    { cat /tmp/files; sed -n "s|^/usr/lib|/lib|p" /tmp/files; } | xargs dpkg-query -S 2>/dev/null || true
  ' <"$work/libraries-$image" | sed 's/:.*//' | sort -u >"$work/owners-$image"
done
/usr/bin/python3 - "$work" <<'PYTHON' || fail "an SBOM is wrong"
import json, sys
work = sys.argv[1]
def versions(image):
    return {tuple(line.split()) for line in open(f"{work}/versions-{image}")}
for image in "redis nginx token secrets ingress poller worker cli monitoring".split():
    sbom = json.load(open(f"{work}/sbom-{image}"))
    assert sbom["spdxVersion"] == "SPDX-2.3" and sbom["packages"][0]["name"] == f"hookfleet-{image}", image
    ids = [package["SPDXID"] for package in sbom["packages"]]
    assert len(ids) == len(set(ids)), image
    assert {relation["relatedSpdxElement"] for relation in sbom["relationships"]} == set(ids), image
    named = {(package["name"], package["versionInfo"]) for package in sbom["packages"][1:]}
    if image in ("ingress", "poller", "worker", "cli"):
        assert named <= versions("build"), (image, named - versions("build"))
        names = {name for name, _ in named}
        owners = set(open(f"{work}/owners-{image}").read().split())
        assert len(owners) > 5 and owners <= names, (image, owners - names)
        compiled = {"nlohmann-json3-dev", "libstdc++-12-dev", "libcli11-dev", "libexpected-dev"}
        assert compiled | {"ca-certificates"} <= names, (image, compiled - names)
    else:
        assert named == versions(image), (image, named ^ versions(image))
    print(f"         {image:10} {len(named)} packages")
PYTHON

step "up"
up up -d --no-build --scale worker=3
for service in redis=1 ingress=1 nginx=1 worker=3; do
  within 90 healthy "${service%=*}" "${service#*=}" || fail "${service%=*} does not become healthy"
done
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

step "what Redis lets anybody do"
# Nobody may come without a name, `health` may ping, and nobody but its own service knows a role's password.
redis() { docker exec "$(ids redis)" redis-cli --user health --pass none --no-auth-warning "$@" 2>&1; }
[ "$(redis ping)" = PONG ] || fail "Redis does not answer a ping"
docker exec "$(ids redis)" redis-cli ping 2>&1 | grep -q NOAUTH || fail "Redis answers who gives no name"
for command in "info" "keys *" "flushall" "config get maxmemory" "xlen x" "shutdown nosave" "acl list"; do
  read -r -a words <<<"$command"
  redis "${words[@]}" | grep -q NOPERM || fail "Redis runs for anybody: $command"
done

step "pushed while ingresses, workers and Redis come and go"
scale() {  # scale INGRESSES WORKERS
  up up -d --no-build --scale ingress="$1" --scale worker="$2"
  { within 60 healthy ingress "$1" && within 60 healthy worker "$2"; } || fail "no $1 ingresses and $2 workers become healthy"
}
load=(--to "$url" --rate 100/s --instances 20 --repeats 3% --invalid 1% --malformed 1%)
begun=$SECONDS
simulate host "127.0.0.1:${ports[3]}" "${load[@]}"
scale 4 3
scale 4 4
up restart redis
within 60 healthy redis 1 || fail "Redis does not become healthy again"
scale 1 4
roll() { COMPOSE_FILE=docker-compose.yml:$work/override.yml COMPOSE_PROJECT_NAME=$project deploy/docker/roll "$@" >"$work/roll.log" 2>&1; }
old=$(ids ingress && ids worker)
roll worker ingress || { cat "$work/roll.log" >&2; fail "roll"; }
! { ids ingress && ids worker; } | grep -xF "$old" || fail "not all were replaced"
old=$(ids ingress)
! HOOKFLEET_LOG_LEVEL=loud roll ingress || fail "roll takes settings that no ingress starts with"
{ [ "$(ids ingress)" = "$old" ] && grep -qi 'log__level' "$work/roll.log"; } || { cat "$work/roll.log" >&2; fail "the old one does not stay"; }
scale 1 1
while ((SECONDS - begun < ${HOOKFLEET_LOAD_SECONDS:-0})); do sleep 1; done
docker kill -s INT "$simulator" >/dev/null
echo "         $((SECONDS - begun)) s"
proved
if [ -n "${HOOKFLEET_LOAD_SECONDS:-}" ]; then
  step "Redis away for longer than the deadline"
  simulate host "127.0.0.1:${ports[3]}" "${load[@]}" --for 60s --pause 2s
  up stop redis
  gone=$SECONDS
  while ((SECONDS - gone < 30)); do sleep 1; done
  up start redis
  proved refused
fi

step "a worker's command line, and the one that may more"
compose exec -T worker hookfleet instances >"$work/said" 2>&1 || { cat "$work/said" >&2; fail "hookfleet instances"; }
up run --rm -T cli news --forget --yes
grep -q NOPERM "$work/up.log" && fail "the role cli may not forget"
compose run --rm -T cli doctor >"$work/said" 2>&1 || true # there are dead letters
grep -qE '^ok +settings ' "$work/said" || { cat "$work/said" >&2; fail "doctor finds something wrong with the settings"; }

step "a backup, and what it brings back"
dead() { compose exec -T worker hookfleet status 2>>"$work/up.log" | sed -n 's/.* dead letters \([0-9]*\).*/\1/p'; }
kept=$(dead)
[ "$kept" -gt 0 ] || fail "there are no dead letters after broken notifications"
compose exec -T redis /hookfleet/redis_backup /data >"$work/backup.tar.gz" || fail "redis_backup"
restore() { compose run --rm -T --no-deps --entrypoint /hookfleet/redis_restore redis /data <"$work/backup.tar.gz" >"$work/restore.log" 2>&1; }
! restore || fail "a backup is put in the place of what a running Redis writes"
grep -q 'stop it first; nothing was replaced' "$work/restore.log" || { cat "$work/restore.log" >&2; fail "restoring beside a running Redis"; }
compose exec -T worker hookfleet dead-letters drop --class malformed --yes >"$work/said" 2>&1 || { cat "$work/said" >&2; fail "dead-letters drop"; }
[ "$(dead)" -lt "$kept" ] || fail "nothing was dropped"
up stop redis
restore || { cat "$work/restore.log" >&2; fail "redis_restore"; }
up start redis
within 60 healthy redis 1 || fail "Redis does not become healthy on what was restored"
[ "$(dead)" = "$kept" ] || fail "the backup held $kept dead letters, restored are $(dead)"
restored() { [ "$(post "$token" RESTORED)" = 200 ]; }
within 60 restored || fail "post to the restored fleet answered $(cat "$work/answer")"

step "Prometheus finds them all, and Alertmanager"
up --profile monitoring --profile poller up -d --no-build --scale worker=3 --scale ingress=2
for service in prometheus alertmanager redis-exporter nginx-exporter; do within 180 healthy "$service" 1 || fail "$service does not become healthy"; done
for job in ingress=2 worker=3 redis=1 nginx=1; do within 120 scraped "hookfleet-${job%=*}" "${job#*=}" || fail "Prometheus doesn't see $job"; done
for one in redis_up nginx_up; do within 60 prometheus_says "$one" 1 || fail "the exporter doesn't reach its service: $one"; done
shows() { curl -sSf --noproxy '*' -o "$work/page" "http://$PROMETHEUS_PORT/$1" && grep -q "$2" "$work/page"; }  # shows PATH TEXT
within 60 shows api/v1/alertmanagers '"activeAlertmanagers":\[{' || fail "Prometheus doesn't know Alertmanager"
within 60 shows consoles/hookfleet.html '<span>Workers</span><strong>3</strong>' || fail "the console doesn't see three workers: $(grep -A1 Workers "$work/page")"

step "a poller fetches"
within 60 healthy poller 1 || fail "the poller does not become healthy"
# The API is the poller's own machine: it answers on 127.0.0.1 only.
simulate "container:$(ids poller)" redis:6379 --serve 19100 --instances 3 --rate 100/s --count 300
within 60 metric poller '^hookfleet_poller_instances_owned 3$' || fail "the poller does not own its instances"
proved

step "what the containers may do"
scanned=
for id in $(docker ps -q --filter "label=com.docker.compose.project=$project"); do
  service=$(docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}}' "$id")
  scanned="$scanned $service"
  said=$(docker inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Privileged}} {{.HostConfig.CapDrop}} {{len .HostConfig.CapAdd}} {{.HostConfig.SecurityOpt}}' "$id")
  [ "$said" = 'true false [ALL] 0 [no-new-privileges:true]' ] || fail "$service runs with: $said"
  for pid in $(docker top "$id" -eo pid | tail -n +2); do
    awk '/^(Uid|Gid|Cap[A-Za-z]*|NoNewPrivs):/ { print }' "/proc/$pid/status" >"$work/status" 2>/dev/null || continue  # a healthcheck that has ended
    if grep -E '^[UG]id:.*[[:space:]]0([[:space:]]|$)|^Cap.*[1-9a-f]|^NoNewPrivs:[[:space:]]*0' <(sed 's/^Cap[A-Za-z]*/Cap/' "$work/status"); then fail "process $pid of $service may too much"; fi
  done
done
for service in redis nginx ingress worker poller prometheus alertmanager redis-exporter nginx-exporter; do
  grep -qw -- "$service" <<<"$scanned" || fail "$service does not run, so nobody has looked at it"
done
for image in ingress poller worker cli; do
  docker export "$(docker create "hookfleet-$image:$HOOKFLEET_TAG" none | tee -a "$work/containers")" | tar -t >"$work/files"
  if grep -E '(^|/)(sh|bash|dash|busybox|perl|python[0-9.]*|apt|dpkg|env)$' "$work/files"; then fail "there is a shell or a tool of others in $image"; fi
done

step "tokens of one's own, taken without a restart"
HOOKFLEET_TOKEN=token-of-the-test,and-the-next compose up -d --no-build --no-deps token >"$work/up.log" 2>&1 || { cat "$work/up.log" >&2; fail "token"; }
taken() { [ "$(post token-of-the-test OWN)" = 200 ] && [ "$(post and-the-next NEXT)" = 200 ]; }
within 30 taken || fail "the new tokens are not taken"
HOOKFLEET_TOKEN='' compose up -d --no-build --no-deps token >"$work/up.log" 2>&1 || { cat "$work/up.log" >&2; fail "token, from the volume"; }
kept() { compose logs --no-color token | grep -A 1 'token: token-of-the-test (made earlier' | grep 'those behind it: and-the-next$' >/dev/null; }
within 30 kept || fail "without HOOKFLEET_TOKEN the tokens of the volume don't stay: $(compose logs --no-color token)"
taken || fail "the tokens of the volume are not taken"

step "everything ends within its grace"
compose stop >"$work/up.log" 2>&1
for id in $(docker ps -aq --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=ingress") \
  $(docker ps -aq --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=worker"); do
  [ "$(docker inspect --format '{{.State.ExitCode}}' "$id")" = 0 ] || fail "a program ended with $(docker inspect --format '{{.State.ExitCode}}' "$id")"
done
step "passed"
