# shellcheck shell=bash disable=SC2154,SC2164
# A single-node Kubernetes out of the cache; to be sourced by inside.sh, in namespaces of its own. Needs $here, $cache, $work, fail, within.

node=10.99.0.1
api=https://$node:6443
pods=10.98.0.0/24
services=10.97.0.0/24
export KUBECONFIG=$work/admin.conf

kubectl() { "$here/kubectl" "$@"; }

# run NAME COMMAND...: in the background, with a log
run() {
  local name=$1
  shift
  "$@" >"$work/log/$name.log" 2>&1 &
}

prepare() {
  mkdir -p "$work"/{log,pki,etcd}
  # What programs write outside of $work stays in here.
  mkdir -p "$work"/lib/{upper,work}
  mount -t tmpfs tmpfs /run
  mount -t tmpfs tmpfs /var/log
  mount -t overlay overlay -o "lowerdir=/var/lib,upperdir=$work/lib/upper,workdir=$work/lib/work" /var/lib
  ip link set lo up
  ip link add node0 type bridge
  ip address add $node/24 dev node0
  ip link set node0 up
  ip route add default dev node0
  (
    cd "$work/pki"
    make_ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -keyout "$1.key" -out "$1.crt"; }
    make_certificate() { # NAME SUBJECT EXTENSIONS
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout "$1.key" -out "$1.csr"
      openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile <(printf '%s\n' "$3") -out "$1.crt"
    }
    make_ca ca
    make_certificate api /CN=kube-apiserver "subjectAltName=IP:$node,IP:10.97.0.1,DNS:kubernetes.default.svc"
    make_certificate admin /O=system:masters/CN=admin extendedKeyUsage=clientAuth
    make_certificate front /CN=front-proxy extendedKeyUsage=clientAuth
    openssl genrsa -out accounts.key 2048
  ) >"$work/log/pki.log" 2>&1
  kubectl config set-cluster test --server=$api --certificate-authority="$work/pki/ca.crt" --embed-certs >/dev/null
  kubectl config set-credentials admin --client-certificate="$work/pki/admin.crt" --client-key="$work/pki/admin.key" --embed-certs >/dev/null
  kubectl config set-context test --cluster=test --user=admin >/dev/null
  kubectl config use-context test >/dev/null
}

start_api() {
  run etcd "$cache/debian/usr/bin/etcd" --data-dir "$work/etcd" --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync
  run apiserver "$cache/bin/kube-apiserver" --etcd-servers http://127.0.0.1:2379 --advertise-address $node --bind-address $node --secure-port 6443 \
    --service-cluster-ip-range $services --authorization-mode RBAC --client-ca-file "$work/pki/ca.crt" \
    --tls-cert-file "$work/pki/api.crt" --tls-private-key-file "$work/pki/api.key" --allow-privileged=false \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$work/pki/accounts.key" \
    --service-account-signing-key-file "$work/pki/accounts.key" --kubelet-client-certificate "$work/pki/admin.crt" \
    --kubelet-client-key "$work/pki/admin.key" --kubelet-preferred-address-types InternalIP \
    --requestheader-client-ca-file "$work/pki/ca.crt" --requestheader-allowed-names front-proxy --requestheader-username-headers X-Remote-User \
    --requestheader-group-headers X-Remote-Group --requestheader-extra-headers-prefix X-Remote-Extra- \
    --proxy-client-cert-file "$work/pki/front.crt" --proxy-client-key-file "$work/pki/front.key"
  within 120 api_answers || fail "the API server does not become ready"
}
api_answers() { [ "$(kubectl get --raw /readyz 2>/dev/null)" = ok ]; }

start_node() {
  run controller-manager "$cache/bin/kube-controller-manager" --kubeconfig "$KUBECONFIG" --service-account-private-key-file "$work/pki/accounts.key" \
    --root-ca-file "$work/pki/ca.crt" --use-service-account-credentials=false --cluster-cidr $pods --allocate-node-cidrs=false --leader-elect=false
  run scheduler "$cache/bin/kube-scheduler" --kubeconfig "$KUBECONFIG" --leader-elect=false
  run proxy "$cache/bin/kube-proxy" --kubeconfig "$KUBECONFIG" --cluster-cidr $pods --hostname-override node --proxy-mode iptables \
    --conntrack-max-per-core 0 --conntrack-tcp-timeout-established 0s --conntrack-tcp-timeout-close-wait 0s --conntrack-min 0
  printf '.:53 {\n  bind %s\n  errors\n  kubernetes cluster.local {\n    kubeconfig %s\n  }\n}\n' $node "$KUBECONFIG" >"$work/Corefile"
  run coredns "$cache/bin/coredns" -conf "$work/Corefile"

  mkdir -p "$work"/containerd "$work"/cni
  cat >"$work/containerd.toml" <<TOML
version = 2
root = "$work/containerd"
state = "/run/containerd"
oom_score = 0
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "hookfleet-pause:1"
  # Machines without CAP_SYS_RESOURCE, containers for one, refuse negative ones.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$cache/debian/usr/lib/cni"
    conf_dir = "$work/cni"
TOML
  # Routed, not bridged: so the policies see what goes from pod to pod.
  cat >"$work/cni/10-pods.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "ptp", "ipMasq": false,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$pods"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
  run containerd containerd --config "$work/containerd.toml"
  within 30 ctr version >/dev/null 2>&1 || fail "containerd does not answer"
  mkdir "$work/pause"
  cp "$cache/bin/pause" "$work/pause/"
  image hookfleet-pause:1 "$work/pause" /pause
  ctr -n k8s.io images import "$work/images.tar" >/dev/null
  rm "$work/images.tar"

  # The kubelet would set these for the whole machine; it looks first.
  local setting
  for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    mkdir -p "$work/sys/$(dirname "${setting%=*}")"
    echo "${setting#*=}" >"$work/sys/${setting%=*}"
    mount --bind "$work/sys/${setting%=*}" "/proc/sys/${setting%=*}"
  done
  mount --make-rshared /
  printf 'nameserver %s\n' $node >"$work/resolv.conf"
  cat >"$work/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: $work/pki/ca.crt}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
failSwapOn: false
failCgroupV1: false
clusterDNS: [$node]
clusterDomain: cluster.local
resolvConf: $work/resolv.conf
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
# A changed secret reaches the pods within this; a minute by default.
syncFrequency: 10s
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 50Mi}
YAML
  run kubelet "$cache/bin/kubelet" --config "$work/kubelet.yaml" --kubeconfig "$KUBECONFIG" --hostname-override node --node-ip $node --root-dir /var/lib/kubelet
  within 120 node_ready || fail "the node does not become ready"
}

# Enforces network policies. It looks for its account where a pod has it.
start_policies() {
  local account=/run/secrets/kubernetes.io/serviceaccount
  mkdir -p $account
  kubectl create clusterrolebinding policies --clusterrole cluster-admin --serviceaccount kube-system:default >/dev/null
  kubectl -n kube-system create token default --duration 2h >$account/token
  cp "$work/pki/ca.crt" $account/
  run policies env KUBERNETES_SERVICE_HOST=$node KUBERNETES_SERVICE_PORT=6443 "$cache/bin/kube-network-policies" --hostname-override node --disable-nri \
    --metrics-bind-address 127.0.0.1:9080
  # What it puts into nftables, once more for kernels whose nftables can't hand packets to a queue.
  local address
  for address in "-s $pods" "-d $pods"; do
    # shellcheck disable=SC2086
    iptables -t mangle -A POSTROUTING $address -m conntrack --ctstate NEW -m owner ! --socket-exists -j NFQUEUE --queue-num 100
  done
}

# A whole node: a volume for Redis, as a cluster's provisioner would give it, and the images of $IMAGES by the tag that overlays name
whole_node() {
  [ -z "${node_started:-}" ] || return 0
  node_started=1
  start_node
  start_policies
  new_volume
  local image
  for image in $(ctr -n k8s.io images ls -q | grep "/hookfleet-.*:$IMAGES\$"); do
    [ "$IMAGES" = "$version" ] || ctr -n k8s.io images tag --force "$image" "${image%:*}:$version" >/dev/null
  done
}

# An empty volume in the place of one that a fleet has left
new_volume() {
  kubectl delete persistentvolume redis --ignore-not-found >/dev/null
  rm -rf /var/lib/hookfleet-redis
  mkdir /var/lib/hookfleet-redis
  chown 10001:10001 /var/lib/hookfleet-redis
  kubectl apply -f "$here/volume.yaml" >/dev/null
}

# served_by_the_node NAMESPACE SERVICE PORT NODE_PORT: a Service in front of a program that runs beside the cluster
served_by_the_node() {
  kubectl create namespace "$1" --dry-run=client -o yaml | kubectl apply -f - >/dev/null 2>&1
  kubectl apply -f - >/dev/null 2>&1 <<YAML
{apiVersion: v1, kind: Service, metadata: {name: $2, namespace: $1}, spec: {ports: [{port: $3, targetPort: $4}]}}
---
{apiVersion: v1, kind: Endpoints, metadata: {name: $2, namespace: $1}, subsets: [{addresses: [{ip: $node}], ports: [{port: $4}]}]}
YAML
}
# aggregated GROUP VERSION NAMESPACE SERVICE: an API that such a program serves
aggregated() {
  kubectl apply -f - >/dev/null <<YAML
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: $2.$1}
spec: {group: $1, version: $2, service: {namespace: $3, name: $4}, insecureSkipTLSVerify: true, groupPriorityMinimum: 100, versionPriority: 100}
YAML
}
start_metrics_server() {
  served_by_the_node kube-system metrics-server 443 4443
  aggregated metrics.k8s.io v1beta1 kube-system metrics-server
  run metrics-server "$cache/bin/metrics-server" --kubeconfig "$KUBECONFIG" --authentication-kubeconfig "$KUBECONFIG" --authorization-kubeconfig "$KUBECONFIG" \
    --kubelet-insecure-tls --kubelet-preferred-address-types InternalIP --metric-resolution 15s --secure-port 4443 --cert-dir "$work/metrics-server"
}
ctr() { command ctr -a /run/containerd/containerd.sock "$@"; }
node_ready() { kubectl get nodes --no-headers 2>/dev/null | grep -q ' Ready ' && kubectl -n default get serviceaccount default >/dev/null 2>&1; }

# image NAME ROOT PROGRAM: an image of one layer, the folder ROOT, that runs PROGRAM of it
image() {
  local folder=$work/image layer
  mkdir -p "$folder"
  tar -C "$2" --owner 0 --group 0 -cf "$folder/layer.tar" .
  layer=$(sha256sum "$folder/layer.tar" | cut -d ' ' -f 1)
  printf '{"architecture":"%s","os":"linux","config":{"User":"10001:10001","Entrypoint":["%s"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')" "$3" "$layer" >"$folder/config.json"
  printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$1" >"$folder/manifest.json"
  # As docker save has it
  tar -C "$folder" -cf - manifest.json config.json layer.tar | ctr -n k8s.io images import - >/dev/null
  rm -r "$folder" "$2"
}

# A machine beside the cluster, 10.96.0.2. Pods reach it, and it them, as anything outside: network policies hold, other than for the node.
start_outside() {
  ip netns add outside
  ip link add outside0 type veth peer name outside1 netns outside
  ip address add 10.96.0.1/24 dev outside0
  ip link set outside0 up
  outside ip address add 10.96.0.2/24 dev outside1
  outside ip link set lo up
  outside ip link set outside1 up
  outside ip route add default via 10.96.0.1
}
outside() { ip netns exec outside "$@"; }
# root_of IMAGE: the folder of its files, for a program of it to run outside
root_of() {
  [ -e "$work/root-$1" ] || {
    mkdir "$work/root-$1"
    ctr -n k8s.io images mount --rw "docker.io/library/hookfleet-$1:$version" "$work/root-$1" >/dev/null
  }
  echo "$work/root-$1"
}

# KEDA as pods, by its own manifests
start_keda() {
  mkdir -p "$work/keda" "$work/keda-root"
  cp "$cache"/bin/{keda,keda-adapter} "$work/keda-root/"
  image hookfleet-keda:1 "$work/keda-root" /keda
  cat >"$work/keda/kustomization.yaml" <<YAML
resources: [$(realpath --relative-to "$work/keda" "$cache/keda/minimal")]
images:
  - {name: ghcr.io/kedacore/keda, newName: hookfleet-keda, newTag: "1"}
  - {name: ghcr.io/kedacore/keda-metrics-apiserver, newName: hookfleet-keda, newTag: "1"}
patches:
  - target: {kind: Deployment}
    patch: |
      - op: replace
        path: /spec/template/spec/containers/0/imagePullPolicy
        value: IfNotPresent
YAML
  kubectl apply --server-side --force-conflicts -k "$work/keda" >/dev/null
}

# Debian's Prometheus beside the cluster, under the name that the Prometheus Operator's has. It can't look for pods itself: a loop tells it, with
# the labels of components/monitoring.
start_prometheus() {
  mkdir -p "$work/prometheus"
  printf 'global: {scrape_interval: 5s}\nscrape_configs: [{job_name: pods, file_sd_configs: [{files: [%s/prometheus/pods.json], refresh_interval: 5s}]}]\n' \
    "$work" >"$work/prometheus/prometheus.yml"
  run prometheus "$cache/debian/usr/bin/prometheus" --config.file "$work/prometheus/prometheus.yml" --storage.tsdb.path "$work/prometheus/data" \
    --web.listen-address "$node:9090"
  while sleep 3; do
    kubectl -n hookfleet get pods -l 'app.kubernetes.io/name in (ingress, worker)' --field-selector status.phase=Running -o \
      'jsonpath={range .items[*]}{.status.podIP} {.metadata.name} {.metadata.labels.app\.kubernetes\.io/name}{"\n"}{end}' 2>/dev/null | awk '
      BEGIN { printf "[" }
      NF == 3 { printf "%s{\"targets\":[\"%s:9090\"],\"labels\":{\"job\":\"hookfleet-%s\",\"instance\":\"%s\",\"fleet\":\"hookfleet\"}}", n++ ? "," : "", $1, $3, $2 }
      END { print "]" }' >"$work/prometheus/pods.new" || true
    mv "$work/prometheus/pods.new" "$work/prometheus/pods.json"
  done &
  served_by_the_node monitoring prometheus-operated 9090 9090
}
