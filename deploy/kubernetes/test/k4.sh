# shellcheck shell=bash disable=SC2034,SC2154
# Level K4, by inside.sh: the overlay production and each component on a real node, with what they need: a balancer's address, KEDA with a
# Prometheus, and on a machine outside of the cluster senders, a slow service, a Redis and GREEN-API's HTTP API.

# shellcheck source=/dev/null
. "$here/fleet.sh"
not_tried=()
from=(ip netns exec outside)
host=hooks.example.org
balancer=10.96.1.1

step "K4: node, and a machine outside"
whole_node
new_volume
start_outside

kubectl apply --server-side -f "$cache/crds" >/dev/null
kubectl wait --for condition=Established --timeout 60s crd --all >/dev/null
keda=
if [ -x "$cache/bin/keda-adapter" ] && [ -e "$cache/keda" ]; then
  keda=1
  step "K4: KEDA, by its own manifests, and a Prometheus"
  start_keda
  start_prometheus
  for what in keda-operator keda-metrics-apiserver; do
    kubectl -n keda rollout status "deployment/$what" --timeout 240s >"$work/log/rollout.log" 2>&1 || fail "$what does not become ready: $(kubectl -n keda get pods)"
  done
else
  not_tried+=("KEDA's programs (test/tools keda makes them)")
fi

step "K4: the document's commands for a cluster of one's own, to a 200 by the balancer"
# A registry, which there is none of: the node has its images already.
for image in redis nginx secrets ingress worker poller; do
  ctr -n k8s.io images tag "docker.io/library/hookfleet-$image:$version" "registry.example.org/hookfleet/$image:$version" >/dev/null
done
mkdir -p "$work/repository/deploy"
cp -r "$here/.." "$work/repository/deploy/kubernetes"
awk '/^cp -r deploy\/kubernetes\/overlays\/production / { inside = 1 } /^```/ { inside = 0 } inside' "$here/../../../docs/deploy-kubernetes.md" >"$work/commands"
[ "$(wc -l <"$work/commands")" -eq 4 ] || fail "the document no longer has its commands: $(cat "$work/commands")"
mine=deploy/kubernetes/overlays/mine
# What its reader changes there: settings, and requests that two cores can meet
edit() {
  sed -i '/cpu: "1"/ s/"1"/50m/' $mine/kustomization.yaml
  sed -i '/^patches:$/ r /dev/stdin' $mine/kustomization.yaml <<'YAML'
  - target: {kind: Deployment}
    patch: |
      - op: replace
        path: /spec/template/spec/containers/0/resources/requests/cpu
        value: 50m
  # The test's sender counts as GREEN-API's do: a stranger may have 100 requests waiting, no more.
  - target: {kind: Deployment, name: nginx}
    patch: |
      - op: add
        path: /spec/template/spec/containers/0/env/-
        value: {name: NGINX_LISTED, value: 10.96.0.0/24}
YAML
  cat >>$mine/kustomization.yaml <<'YAML'
configMapGenerator:
  - {name: hookfleet, behavior: replace, files: [hookfleet.yaml]}
YAML
  cp deploy/kubernetes/base/config/hookfleet.yaml $mine/
  cat >>$mine/hookfleet.yaml <<'YAML'
routes:
  - actions: [{forward: {name: slow, url: "http://10.96.0.2:8081/", concurrency: 2}}]
YAML
}
began=$SECONDS
(
  cd "$work/repository"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$host" -addext "subjectAltName=DNS:$host" -keyout privkey.pem -out fullchain.pem
  set -ex
  # shellcheck source=/dev/null
  . <(head -n 1 "$work/commands")
  edit
  # shellcheck source=/dev/null
  . <(tail -n +2 "$work/commands")
) >"$work/log/commands.log" 2>&1 || fail "a command of the document fails: $(cat "$work/log/commands.log")"
for what in statefulset/redis deployment/ingress deployment/nginx deployment/worker; do rolled_out "$what"; done
# What a cloud's controller does when it has made the balancer
k patch service hookfleet --subresource status -p '{"status":{"loadBalancer":{"ingress":[{"ip":"'$balancer'"}]}}}' >/dev/null
k get secret hookfleet-tokens -o 'jsonpath={.data.tokens}' | base64 -d >"$work/token"
token=$(cat "$work/token")
url=https://$balancer/webhook
within 30 try "$token" 200 || fail "it is answered $answered $(cat "$work/answer")"
echo "         after $((SECONDS - began)) s: $(for name in redis nginx ingress worker; do printf '%s %s ' "$(pods_of $name)" $name; done)"
status=$(outside curl -sS --noproxy '*' -m 40 -o "$work/answer" -w '%{http_code}' --cacert "$work/repository/fullchain.pem" --resolve "$host:443:$balancer" "https://$host/healthz")
[ "$status" = 200 ] || fail "by name it is answered $status"

step "K4: who reaches whom from outside"
run service ip netns exec outside /usr/bin/python3 "$here/service.py" 8081 0.1
way_in() { outside timeout 2 bash -c "exec 3<>/dev/tcp/$(k get pods -l "app.kubernetes.io/name=$1" -o 'jsonpath={.items[0].status.podIP}')/$2" 2>/dev/null; }
within 20 way_in nginx 8443 || fail "nginx can't be reached from outside"
for way in "nginx 8080" "ingress 9080" "ingress 9090" "worker 9090" "redis 6379"; do
  # shellcheck disable=SC2086
  ! way_in $way || fail "a network policy lets in: $way"
done

if [ -n "$keda" ]; then
  prometheus() {
    curl -sS --noproxy '*' -m 10 -G "http://$node:9090/api/v1/query" --data-urlencode "query=$1" 2>/dev/null | sed -n 's/.*"value":\[[^,]*,"\([^"]*\)"\].*/\1/p'
  }
  waiting() { prometheus 'sum(max by (partition) (hookfleet_stream_backlog_entries{fleet="hookfleet"}))'; }
  step "K4: KEDA: workers by what waits; down again, its five minutes being 15 seconds here"
  k wait --for condition=Ready --timeout 120s scaledobject/worker >/dev/null || fail "the ScaledObject does not become ready: $(k describe scaledobject worker)"
  k patch scaledobject worker --type json -p '[{"op":"replace","path":"/spec/advanced/horizontalPodAutoscalerConfig/behavior/scaleDown","value":{"stabilizationWindowSeconds":15,"policies":[{"type":"Pods","value":4,"periodSeconds":15}]}}]' >/dev/null
  workers() { k get deployment worker -o 'jsonpath={.status.readyReplicas}'; }
  within 60 runs worker 2 || fail "there are $(workers) workers before anything waits"
  began=$SECONDS
  begin_load KEDA 100
  more() { [ "$(workers)" -ge 4 ]; }
  within 180 more || fail "with $(waiting) waiting there are $(workers) workers: $(k describe hpa)"
  echo "         after $((SECONDS - began)) s $(workers) workers, $(waiting) waiting"
  end_overload
  done_all() { [ "$(outside curl -sS -m 10 http://10.96.0.2:8081/ 2>/dev/null)" -ge "$sent" ]; }
  within 300 done_all || fail "$sent were acknowledged, the service has got $(outside curl -sS http://10.96.0.2:8081/)"
  most=$(workers)
  within 300 runs worker 2 || fail "nothing waits, and there are still $(workers) workers: $(k describe hpa)"
  echo "         all done and two workers again after $((SECONDS - began)) s; at the end of the backlog there were $most"
  within 30 owned || fail "not all partitions have an owner: $(hookfleet status 2>&1 | tail -n 5)"
fi

step "K4: a Redis and GREEN-API outside: external-redis and poller"
kubectl delete namespace hookfleet --timeout 180s >/dev/null || fail "the namespace does not go"
sent=0
store=$(root_of redis)
mkdir "$work/passwords"
for role in ingress worker poller cli proof; do openssl rand -hex 20 >"$work/passwords/$role"; done
# proof: who reads what the workers write for others
REDIS_USERS="user proof on #$(tr -d '\n' <"$work/passwords/proof" | sha256sum | cut -d ' ' -f 1) ~* +@all" "$here/../../redis_acl" "$work/passwords" >"$store/tmp/secret.acl"
chmod 644 "$store/tmp/secret.acl"
REDIS_MAXMEMORY=268435456 run redis ip netns exec outside chroot --userspec 10001:10001 "$store" /hookfleet/redis.sh --aclfile /tmp/secret.acl
secret_of() { echo "redis://$1:$(cat "$work/passwords/$1")@${2:-10.96.0.2}:6379/0"; }
mkdir "$work/outside"
cp "$here/../base/config/hookfleet.yaml" "$work/outside/"
cat >>"$work/outside/hookfleet.yaml" <<'YAML'
poller:
  instances:
    - {id: 1101000001, api_url: "http://10.96.0.2:443", token_file: /secrets/poller/1101000001}
    - {id: 1101000002, api_url: "http://10.96.0.2:443", token_file: /secrets/poller/1101000002}
routes:
  - actions: [{stream: {key: simulated, maxlen: 1000000}}]
YAML
cat >"$work/outside/kustomization.yaml" <<YAML
resources: [$(realpath --relative-to "$work/outside" "$here/overlays/external-redis")]
namespace: hookfleet
configMapGenerator:
  - {name: hookfleet, behavior: replace, files: [hookfleet.yaml]}
YAML
kubectl apply -f "$here/../base/namespace/namespace.yaml" >/dev/null
k create secret generic hookfleet-redis --from-literal "ingress=$(secret_of ingress)" --from-literal "worker=$(secret_of worker)" \
  --from-literal "poller=$(secret_of poller)" --from-literal "cli=$(secret_of cli)" >/dev/null
k create secret generic hookfleet-poller --from-literal 1101000001=simulated --from-literal 1101000002=simulated >/dev/null
kubectl apply -k "$work/outside" >"$work/log/apply.log" 2>&1 || fail "apply: $(cat "$work/log/apply.log")"
for what in ingress nginx worker poller; do rolled_out "deployment/$what"; done
[ -z "$(k get statefulset,pod -l app.kubernetes.io/name=redis -o name)" ] || fail "there is a Redis in the cluster as well"
k get secret hookfleet-tokens -o 'jsonpath={.data.tokens}' | base64 -d >"$work/token"
url=http://$(k get service hookfleet -o 'jsonpath={.spec.clusterIP}')/webhook
try "$(cat "$work/token")" 200 || fail "it is answered $answered $(cat "$work/answer")"
# The API's stand-in listens on 127.0.0.1 alone, and policies let pollers out to 443 alone.
outside sysctl -qw net.ipv4.conf.outside1.route_localnet=1
outside iptables -t nat -A PREROUTING -p tcp --dport 443 -j DNAT --to-destination 127.0.0.1:8443
outside chroot "$(root_of worker)" /hookfleet simulate --serve 8443 --instances 2 --rate 20/s --count 200 --settle 3min --verify --stream simulated \
  --redis "$(secret_of proof 127.0.0.1)" >"$work/log/simulate.log" 2>&1 || fail "the simulator: $(cat "$work/log/simulate.log")"
grep -E '^(queues|received|verdict)' "$work/log/simulate.log" | sed 's/^/         /'
fetches() { hookfleet status --pollers >"$work/status" && grep -qE '^instances 2 .* unowned 0$' "$work/status"; }
within 30 fetches || fail "the command line does not see two pollers with an instance each: $(cat "$work/status")"
within 30 eval "hookfleet status | grep -q ' dead letters 0 '" || fail "dead letters: $(hookfleet dead-letters list)"

step "K4: who reaches what outside"
run listener ip netns exec outside /usr/bin/python3 "$here/service.py" 8443 0
# Where clouds keep their machines' credentials
outside ip address add 169.254.169.254/32 dev lo
ip route add 169.254.169.254/32 via 10.96.0.2
for role in nginx ingress worker poller cli; do
  cat <<YAML
apiVersion: v1
kind: Pod
metadata: {name: probe-$role, namespace: hookfleet, labels: {app.kubernetes.io/name: $role}}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: probe
      image: hookfleet-nginx:$version
      command: [sleep, infinity]
      securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
---
YAML
done >"$work/probes.yaml"
kubectl apply -f "$work/probes.yaml" >/dev/null
kubectl wait -f "$work/probes.yaml" --for condition=Ready --timeout 60s >/dev/null || fail "the probes do not start: $(k get pods)"
way_out() { k exec "probe-$1" -- timeout 2 bash -c "exec 3<>/dev/tcp/$2/$3" 2>/dev/null; } # way_out ROLE ADDRESS PORT
while read -r role open; do
  for way in 10.96.0.2:6379 10.96.0.2:443 10.96.0.2:8081 169.254.169.254:443; do
    case " $open " in
      *" $way "*) within 10 way_out "$role" "${way%:*}" "${way#*:}" || fail "$role does not reach $way" ;;
      *) ! way_out "$role" "${way%:*}" "${way#*:}" || fail "a network policy lets $role out to $way" ;;
    esac
  done
done <<'WAYS'
nginx none
ingress 10.96.0.2:6379 10.96.0.2:443
poller 10.96.0.2:6379 10.96.0.2:443
worker 10.96.0.2:6379 10.96.0.2:443 10.96.0.2:8081
cli 10.96.0.2:6379
WAYS
k delete networkpolicies --all >/dev/null
within 30 way_out nginx 169.254.169.254 443 || fail "without policies nginx does not reach what they keep it from: it was not they"

step "K4: everything ends by itself"
kubectl delete namespace hookfleet --timeout 180s >/dev/null || fail "the namespace does not go"
not_tried+=("the Prometheus Operator's program" "more than one node" "a cloud's balancers and volumes" "Redis by a TLS tunnel")
printf 'K4: not tried: %s\n' "${not_tried[@]}"
