# shellcheck shell=bash disable=SC2034,SC2154
# Level K3, by inside.sh: our images on a real node, and what may happen to them while 100 notifications a second come.

overlay=$here/overlays/cluster
# shellcheck source=/dev/null
. "$here/fleet.sh"

step "K3: node"
whole_node

step "K3: the commands of docs/deploy-kubernetes.md, to a 200"
began=$SECONDS
awk '/^kubectl apply -k .*overlays\/local$/ { inside = 1 } /^```/ { inside = 0 } inside' "$here/../../../docs/deploy-kubernetes.md" >"$work/commands"
[ "$(wc -l <"$work/commands")" -ge 4 ] || fail "the document no longer has its commands: $(cat "$work/commands")"
(
  cd "$here/../../.."
  set -x
  # shellcheck disable=SC2317  # the commands call it
  curl() { command curl --noproxy '*' --retry 30 --retry-delay 1 --retry-connrefused "$@"; } # the forwarding has to stand first
  # shellcheck source=/dev/null
  . "$work/commands"
  kill $!
) >"$work/log/commands.log" 2>&1 || fail "a command of the document fails: $(cat "$work/log/commands.log")"
grep -q '^HTTP/1.1 200 OK' "$work/log/commands.log" || fail "by the document's commands there is no 200: $(cat "$work/log/commands.log")"
echo "         in $((SECONDS - began)) s"
for what in statefulset/redis deployment/ingress deployment/nginx deployment/worker; do rolled_out "$what"; done
within 60 runs ingress 2 || fail "without a metrics server the autoscaler does not keep two ingresses: $(k describe hpa)"
kubectl apply -k "$overlay" >"$work/log/apply.log" 2>&1 || fail "apply: $(cat "$work/log/apply.log")"
rolled_out deployment/nginx
url=http://$(k get service hookfleet -o 'jsonpath={.spec.clusterIP}')/webhook
k get secret hookfleet-tokens -o 'jsonpath={.data.tokens}' | base64 -d >"$work/token"
first=$(cat "$work/token")
[ "${#first}" -eq 40 ] || fail "the token that was made is not one"

step "K3: a notification is stored and handled; strangers aren't served"
try "$first" 200 || fail "post answered $(cat "$work/answer")"
within 30 all_handled || fail "it was not handled"
hookfleet status | grep -q " dead letters 0 " || fail "the document's notification has become a dead letter: $(hookfleet dead-letters list)"
try wrong 401 || fail "a wrong token is answered $(cat "$work/answer")"

step "K3: what the containers may do"
looked=0
for status in /proc/[0-9]*/status; do
  pid=${status//[!0-9]/}
  grep -q kubepods "/proc/$pid/cgroup" 2>/dev/null || continue
  comm=$(cat "/proc/$pid/comm")
  [ "$comm" != pause ] || continue
  looked=$((looked + 1))
  grep -qP '^Uid:(\t10001){4}$' "$status" || fail "$comm runs as $(grep ^Uid: "$status")"
  [ "$(grep -cP '^Cap(Inh|Prm|Eff|Bnd|Amb):\t0{16}$' "$status")" -eq 5 ] || fail "$comm has capabilities: $(grep ^Cap "$status")"
  grep -qP '^NoNewPrivs:\t1$' "$status" || fail "$comm may gain privileges"
  grep -qP '^Seccomp:\t2$' "$status" || fail "$comm has no system call filter"
  grep -qP '^\S+ / \S+ ro[, ]' "/proc/$pid/mounts" || fail "$comm can write to its root: $(head -n 1 "/proc/$pid/mounts")"
  case $comm in
    hookfleet-*) [ -z "$(find "/proc/$pid/root/" -xdev -name '*sh' -perm /111 -type f -print -quit)" ] || fail "there is a shell beside $comm" ;;
  esac
done
[ "$looked" -ge 7 ] || fail "only $looked processes were looked at"

step "K3: each user of Redis can do its work and no more"
within 20 owned || fail "not all partitions have an owner: $(hookfleet status 2>&1 | tail -n 5)"
# redis-cli itself asks for COMMAND DOCS.
refused=$(redis info commandstats | grep '^cmdstat_' | grep -vE '^cmdstat_command|rejected_calls=0' || true)
[ -z "$refused" ] || fail "a program asked for something it may not: $refused"
cat >"$work/forbidden" <<'COMMANDS'
config set appendonly no
flushall
flushdb
keys hf:*
slowlog get
shutdown nosave
save
bgsave
bgrewriteaof
replicaof no one
acl setuser x on
acl list
module list
monitor
client kill type normal
client list
script flush
eval 1 0
swapdb 0 1
function list
xtrim hf:alerts maxlen 0
COMMANDS
tried=0
for user in ingress worker poller cli nobody; do
  login=()
  [ "$user" = nobody ] || login=(-u "$(address "$user")")
  k exec -i redis-0 -- redis-cli "${login[@]}" <"$work/forbidden" >"$work/answers" 2>/dev/null || true
  ! grep -vE '^((NOPERM|NOAUTH) .*)?$' "$work/answers" || fail "$user may do one of those it must not"
  [ "$(grep -cE '^(NOPERM|NOAUTH)' "$work/answers")" -eq "$(wc -l <"$work/forbidden")" ] || fail "not all was refused to $user: $(cat "$work/answers")"
  tried=$((tried + $(wc -l <"$work/forbidden")))
done
echo "         $tried refusals"

step "K3: the command line judges by the fleet's settings and tokens"
hookfleet doctor >"$work/doctor" 2>&1 || fail "doctor: $(cat "$work/doctor")"
grep -qE '^ok +settings +/etc/hookfleet/hookfleet.yaml$' "$work/doctor" || fail "doctor finds something wrong with the settings: $(cat "$work/doctor")"

step "K3: who reaches whom"
pod() { k get pods -l "app.kubernetes.io/name=$1" -o "jsonpath={.items[0]$2}"; }
reaches() { # reaches FROM TO PORT: pods by their names' beginnings
  k exec "$(pod "$1" .metadata.name)" -- timeout 2 bash -c "exec 3<>/dev/tcp/$(pod "$2" .status.podIP)/$3" 2>/dev/null
}
within 20 reaches nginx ingress 9080 || fail "nginx does not reach an ingress"
for way in "nginx redis 6379" "nginx ingress 9090" "nginx worker 9090" "redis ingress 9080" "redis nginx 8080" "redis worker 9090"; do
  # shellcheck disable=SC2086
  ! reaches $way || fail "a network policy lets through: $way"
done
k delete networkpolicies --all >/dev/null
within 30 reaches nginx redis 6379 || fail "without policies nginx does not reach Redis: it was not they that kept it away"
kubectl apply -k "$overlay" >/dev/null
within 30 eval '! reaches nginx redis 6379' || fail "applied again, the policies are not enforced"

for what in deployment/ingress deployment/worker deployment/nginx; do
  step "K3: rolling restart of $what while 100 a second come"
  begin_load "ROLL-${what#*/}-"
  k rollout restart "$what" >/dev/null
  rolled_out "$what"
  within 120 runs "${what#*/}" 2 || fail "of $what there are not two"
  end_load
done
within 60 all_handled || fail "$sent were acknowledged, $(handled) handled"

step "K3: Redis is killed while 100 a second come, and is back with its data"
before=$(k get pod redis-0 -o 'jsonpath={.metadata.uid}')
begin_load KILL
k delete pod redis-0 --force --grace-period 0 >/dev/null 2>&1
another() { [ "$(k get pod redis-0 -o 'jsonpath={.metadata.uid}' 2>/dev/null)" != "$before" ] && runs redis 1; }
within 120 another || fail "redis-0 does not come back"
end_load
! k logs redis-0 | grep CRITICAL || fail "Redis has not taken all that its log holds"
within 60 all_handled || fail "$sent were acknowledged, $(handled) handled"

step "K3: workers 2 -> 4 -> 1 -> 2 while 100 a second come"
begin_load SCALE
for count in 4 1 2; do
  k scale deployment/worker --replicas "$count" >/dev/null
  within 120 runs worker "$count" || fail "there are not $count workers"
  within 20 owned || fail "not all partitions have an owner with $count workers: $(hookfleet status 2>&1 | tail -n 5)"
done
end_load
within 60 all_handled || fail "$sent were acknowledged, $(handled) handled"

if [ -n "$FORMER" ]; then
  # apply_version VERSION: the overlay with another newTag, while the load goes on
  apply_version() {
    k wait --for delete job/secrets --timeout 150s >/dev/null 2>&1 || fail "the Job secrets does not go"
    mkdir -p "$work/$1"
    {
      printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n'
      printf 'resources: [%s]\nimages:\n' "$(realpath --relative-to "$work/$1" "$overlay")"
      for name in redis nginx secrets ingress worker; do printf '  - {name: hookfleet-%s, newTag: %s}\n' "$name" "$1"; done
    } >"$work/$1/kustomization.yaml"
    kubectl apply -k "$work/$1" >"$work/log/apply.log" 2>&1 || fail "apply: $(cat "$work/log/apply.log")"
    for what in statefulset/redis deployment/ingress deployment/nginx deployment/worker; do rolled_out "$what"; done
    all_of "$1"
  }
  images_of() { k get pods -l "app.kubernetes.io/name=$1" -o 'jsonpath={.items[*].spec.containers[0].image}'; }
  all_of() { # all_of VERSION [NAME...]: pods of it, and none of another
    local version=$1 name
    shift
    [ $# -gt 0 ] || set -- nginx ingress worker
    for name in "$@"; do
      within 120 runs "$name" 2 || fail "of $name there are not two"
      [ "$(images_of "$name")" = "hookfleet-$name:$version hookfleet-$name:$version" ] || fail "$name is not $version: $(images_of "$name")"
    done
  }
  set_version() { # set_version NAME VERSION
    k set image "deployment/$1" "$1=hookfleet-$1:$2" >/dev/null
    rolled_out "deployment/$1"
    all_of "$2" "$1"
  }
  step "K3: back to $FORMER, by its tags, while 100 a second come"
  begin_load BACK
  apply_version "$FORMER"
  end_load
  within 60 all_handled || fail "$sent were acknowledged, $(handled) handled"

  step "K3: workers of $version beside ingresses of $FORMER, then the other way round, while 100 a second come"
  begin_load MIXED
  set_version worker "$version"
  within 20 owned || fail "not all partitions have an owner: $(hookfleet status 2>&1 | tail -n 5)"
  set_version ingress "$version"
  set_version worker "$FORMER"
  within 20 owned || fail "not all partitions have an owner: $(hookfleet status 2>&1 | tail -n 5)"
  end_load
  within 60 all_handled || fail "$sent were acknowledged, $(handled) handled"

  step "K3: all of $version, by its tags, while 100 a second come"
  set_version ingress "$FORMER"
  begin_load UPGRADE
  apply_version "$version"
  end_load
  within 60 all_handled || fail "$sent were acknowledged, $(handled) handled"
fi

step "K3: the token is replaced while 100 a second come"
second=second-$first
set_tokens() { # set_tokens TOKEN...
  printf '%s\n' "$@" >"$work/tokens"
  k create secret generic hookfleet-tokens --from-file "tokens=$work/tokens" --dry-run=client -o yaml | k replace -f - >/dev/null
}
began=$SECONDS
begin_load TOKEN
set_tokens "$first" "$second"
within 180 try_all "$second" 200 || fail "the next token is not taken: $(cat "$work/answer")"
echo "$second" >"$work/token.new"
mv "$work/token.new" "$work/token"
set_tokens "$second"
within 180 try_all "$first" 401 || fail "the old token is still taken"
end_load
within 60 all_handled || fail "$sent were acknowledged, $(handled) handled"
echo "         in $((SECONDS - began)) s"

step "K3: a node can be drained of everything but Redis"
evict() {
  printf '{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"%s","namespace":"hookfleet"}}' "$1" |
    kubectl create --raw "/api/v1/namespaces/hookfleet/pods/$1/eviction" -f - >"$work/log/evict.log" 2>&1
}
! evict redis-0 || fail "Redis can be evicted"
grep -q 'disruption budget' "$work/log/evict.log" || fail "Redis can't be evicted, but for another reason: $(cat "$work/log/evict.log")"
begin_load EVICT
for name in ingress worker nginx; do
  pod=$(k get pods -l "app.kubernetes.io/name=$name" -o 'jsonpath={.items[0].metadata.name}')
  evict "$pod" || fail "$pod can't be evicted: $(cat "$work/log/evict.log")"
  gone() { ! k get pod "$pod" >/dev/null 2>&1; }
  within 120 gone || fail "$pod does not go"
  within 120 runs "$name" 2 || fail "$name has no two pods"
done
end_load
within 60 all_handled || fail "$sent were acknowledged, $(handled) handled"

step "K3: applied again, nothing changes and nobody restarts"
kubectl apply -k "$overlay" >"$work/log/apply.log" 2>&1 || fail "apply: $(cat "$work/log/apply.log")"
! grep -vE ' (unchanged|configured)$|^job.batch/secrets created$' "$work/log/apply.log" || fail "applied again, something is made"
try "$second" 200 || fail "after another apply the token is another: $(cat "$work/answer")"
restarts=$(k get pods -o 'jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[0].restartCount}{"\n"}{end}' | awk '$2 != 0' | grep -v '^redis-0 ' || true)
[ -z "$restarts" ] || fail "restarted: $restarts"
within 60 all_handled || fail "$sent were acknowledged, $(handled) handled"

step "K3: users of Redis get the rights of its image, whatever version made the secret"
k get secret hookfleet-redis -o 'jsonpath={.data.users\.acl}' | base64 -d | sed 's/ -@all .*/ -@all +ping/; s/^user default .*/user default off/' >"$work/users.acl"
[ "$(grep -c ' -@all +ping$' "$work/users.acl")" -ge 5 ] || fail "the secret's users aren't what they are meant to be: $(cut -c 1-60 "$work/users.acl")"
k patch secret hookfleet-redis -p "{\"data\":{\"users.acl\":\"$(base64 -w 0 "$work/users.acl")\"}}" >/dev/null
before=$(k get pod redis-0 -o 'jsonpath={.metadata.uid}')
k delete pod redis-0 >/dev/null
within 120 another || fail "redis-0 does not come back"
try "$second" 200 || fail "with users of another version it is answered $(cat "$work/answer")"
within 60 all_handled || fail "$sent were acknowledged, $(handled) handled"

step "K3: an image of Redis that can't be had, and back"
k set image statefulset/redis redis=hookfleet-redis:none >/dev/null
not_had() { k get pod redis-0 -o 'jsonpath={.status.containerStatuses[0].state.waiting.reason}' 2>/dev/null | grep -E 'ErrImage|ImagePullBackOff' >/dev/null; }
within 120 not_had || fail "the node has that image: $(k get pod redis-0)"
k rollout undo statefulset/redis >/dev/null
rolled_out statefulset/redis
within 60 try "$second" 200 || fail "back from that image it is answered $(cat "$work/answer")"
within 60 all_handled || fail "$sent were acknowledged, $(handled) handled"

step "K3: a backup while it runs, and its restoring"
k exec redis-0 -- /hookfleet/redis_backup /data >"$work/backup.tar.gz" || fail "backup"
kept=$sent
for _ in 1 2 3; do try "$second" 200 || fail "post answered $(cat "$work/answer")"; done
within 60 all_handled || fail "$sent were acknowledged, $(handled) handled"
KUBECTL=$here/kubectl "$here/../redis_restore" "$work/backup.tar.gz" >"$work/log/restore.log" 2>&1 || fail "restoring: $(cat "$work/log/restore.log")"
hookfleet status >"$work/status" 2>&1 || fail "right after restoring Redis does not answer: $(cat "$work/status")"
sent=$kept
within 60 all_handled || fail "the backup holds $(handled) of $kept: $(redis --scan --pattern 'hf:{*}:cnt' | wc -l) counters; $(k logs redis-0 | grep -v WARNING)"
try "$second" 200 || fail "on the restored Redis it is answered $(cat "$work/answer")"
within 60 all_handled || fail "on the restored Redis: $sent were acknowledged, $(handled) handled"

step "K3: https, and a certificate that is renewed while it runs"
host=hooks.example.org
certificate() { # certificate NAME: puts a new one with that name as its organisation into the secret
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/O=$1/CN=$host" -addext "subjectAltName=DNS:$host" \
    -keyout "$work/tls.key" -out "$work/tls.crt" >/dev/null 2>&1
  k create secret tls hookfleet-tls --cert "$work/tls.crt" --key "$work/tls.key" --dry-run=client -o yaml | kubectl apply -f - >/dev/null 2>&1
}
address=$(k get service hookfleet -o 'jsonpath={.spec.clusterIP}')
secure() { # secure: the status of a post over TLS to who shows the last certificate
  curl -sS --noproxy '*' -m 40 -o "$work/answer" -w '%{http_code}' --cacert "$work/tls.crt" --resolve "$host:443:$address" -H "Authorization: Bearer $second" \
    -d '{"typeWebhook":"deviceInfo"}' "https://$host/webhook" 2>"$work/log/curl.log" || true
}
certificate first
kubectl apply -k "$here/overlays/cluster-tls" >"$work/log/apply.log" 2>&1 || fail "apply: $(cat "$work/log/apply.log")"
rolled_out deployment/nginx
within 120 runs nginx 2 || fail "there are not two nginx"
status=$(secure)
[ "$status" = 200 ] || fail "over TLS it is answered $status: $(cat "$work/log/curl.log")"
# To a port that the Service hasn't got now. The node keeps that untranslated way for its source port for two minutes, also when the port is back:
# so from one that no other connection of the node is given.
! curl -sS --noproxy '*' -m 5 --local-port 1000-1009 -o /dev/null "http://$address/webhook" 2>/dev/null || fail "in clear it is still answered"
before=$(k get pods -l app.kubernetes.io/name=nginx -o 'jsonpath={.items[*].metadata.uid} {.items[*].status.containerStatuses[0].restartCount}')
certificate second
renewed() { for _ in $(seq 12); do [ "$(secure)" = 200 ] || return 1; done; }
within 180 renewed || fail "the new certificate is not shown: $(cat "$work/log/curl.log")"
[ "$(k get pods -l app.kubernetes.io/name=nginx -o 'jsonpath={.items[*].metadata.uid} {.items[*].status.containerStatuses[0].restartCount}')" = "$before" ] ||
  fail "nginx was restarted for a certificate"

step "K3: back to http"
kubectl apply -k "$overlay" >"$work/log/apply.log" 2>&1 || fail "apply: $(cat "$work/log/apply.log")"
rolled_out deployment/nginx
url=http://$address/webhook
printf '%s\n' "$second" >"$work/token"

not_tried=()
if [ -x "$cache/bin/metrics-server" ]; then
  step "K3: ingresses by CPU: more while much comes"
  start_metrics_server
  measured() { k top pods -l app.kubernetes.io/name=ingress --no-headers >/dev/null 2>&1; }
  within 90 measured || fail "the metrics server knows nothing of the ingresses: $(k top pods 2>&1)"
  grown() { [ "$(k get deployment ingress -o 'jsonpath={.status.readyReplicas}')" -ge 3 ]; }
  began=$SECONDS
  begin_load CPU 600
  within 180 grown || fail "at 600 a second there are no more ingresses: $(k describe hpa ingress)"
  grew=$(k get hpa ingress -o 'jsonpath={.status.currentReplicas} ingresses, at {.status.currentMetrics[0].resource.current.averageUtilization} % of their request')
  echo "         after $((SECONDS - began)) s $grew"
  end_overload
  kept() { [ "$(handled)" -ge "$sent" ]; }
  within 120 kept || fail "$sent were acknowledged, $(handled) handled"
  step "K3: ingresses by CPU: fewer while little comes; its five minutes are 15 seconds here"
  k patch hpa ingress -p '{"spec":{"behavior":{"scaleDown":{"stabilizationWindowSeconds":15}}}}' >/dev/null
  began=$SECONDS
  begin_load LITTLE 20
  within 300 runs ingress 2 || fail "at 20 a second there are still more ingresses: $(k describe hpa ingress)"
  end_load
  echo "         after $((SECONDS - began)) s $(k get deployment ingress -o 'jsonpath={.spec.replicas} ingresses'), $(k get hpa ingress -o 'jsonpath={.status.conditions[?(@.type=="ScalingActive")].reason}')"
else
  not_tried+=("scaling by CPU (test/tools cluster makes metrics-server)")
fi

step "K3: everything ends by itself"
kubectl delete namespace hookfleet --timeout 180s >/dev/null || fail "the namespace does not go"
echo "         $sent notifications, each acknowledged and handled once (those since the backup apart)"
[ -n "$FORMER" ] || not_tried+=("a rollout from another version and back (--former TAG)")
[ ${#not_tried[@]} -eq 0 ] || printf 'K3: not tried: %s\n' "${not_tried[@]}"
