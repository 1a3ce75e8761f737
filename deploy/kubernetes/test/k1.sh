# shellcheck shell=bash disable=SC2154
# Level K1, by inside.sh: what the API server with its whole admission chain says to the overlays, and to what is wrong.

step "K1: custom resources"
kubectl apply --server-side -f "$cache/crds" >/dev/null
kubectl wait --for condition=Established --timeout 60s crd --all >/dev/null
kubectl apply -f "$here/../base/namespace/namespace.yaml" >/dev/null

dry() { kubectl apply --dry-run=server --warnings-as-errors "$@"; }
for overlay in "$here"/../overlays/* "$here"/overlays/*; do
  step "K1: $(basename "$overlay")"
  dry -k "$overlay" >"$work/log/dry.log" 2>&1 || fail "the API server refuses $overlay: $(grep -v '(server dry run)$' "$work/log/dry.log")"
  grep -q 'deployment.apps/ingress created (server dry run)' "$work/log/dry.log" || fail "$overlay has no ingress"
done

step "K1: what is wrong is refused"
kubectl kustomize "$here/../overlays/local" >"$work/local.yaml"
# refused CHANGE MESSAGE: with that sed command the overlay is refused, or warned of, with that message
refused() {
  sed -E "$1" "${3:-$work/local.yaml}" >"$work/wrong.yaml"
  ! cmp -s "$work/wrong.yaml" "${3:-$work/local.yaml}" || fail "\"$1\" changes nothing"
  ! dry -f "$work/wrong.yaml" >"$work/log/wrong.log" 2>&1 || fail "\"$1\" is not refused"
  grep -qE "$2" "$work/log/wrong.log" || fail "\"$1\" is refused with other words: $(grep -v '(server dry run)$' "$work/log/wrong.log")"
}
refused 's/terminationGracePeriodSeconds/terminationGracePeriodSecond/' 'strict decoding error: unknown field .*terminationGracePeriodSecond"'
refused 's/maxSurge: 1/maxSurge: 0/' "may not be 0 when .maxSurge. is 0"
refused 's/allowPrivilegeEscalation: false/allowPrivilegeEscalation: true/' 'would violate PodSecurity .restricted'
refused 's/runAsNonRoot: true/runAsNonRoot: false/' 'would violate PodSecurity .restricted'
refused 's/maxUnavailable: 1$/maxUnavailable: some/' 'a valid percent string'
kubectl kustomize "$here/overlays/all" >"$work/all.yaml"
refused 's/minReplicaCount/minReplicasCount/' 'unknown field .*minReplicasCount"' "$work/all.yaml"
refused 's/podMetricsEndpoints/podMetricEndpoints/' 'unknown field .*podMetricEndpoints"' "$work/all.yaml"

step "K1: applied; accounts have no rights but one"
kubectl apply -k "$here/../overlays/local" >"$work/log/apply.log" 2>&1 || fail "apply: $(cat "$work/log/apply.log")"
printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: root, namespace: hookfleet}\nspec: {serviceAccountName: nginx, containers: [{name: a, image: b}]}\n' >"$work/root.yaml"
! dry -f "$work/root.yaml" >"$work/log/wrong.log" 2>&1 || fail "a pod of root is taken"
grep -q 'forbidden: violates PodSecurity "restricted' "$work/log/wrong.log" || fail "a pod of root is refused with other words: $(cat "$work/log/wrong.log")"
may() { kubectl -n "$1" auth can-i --as system:serviceaccount:hookfleet:secrets "${@:2}" >/dev/null; }
may hookfleet create secrets || fail "the account secrets may not create secrets"
for verb in get list watch update patch delete; do ! may hookfleet $verb secrets || fail "the account secrets may $verb secrets"; done
for kind in pods roles rolebindings configmaps; do ! may hookfleet create $kind || fail "the account secrets may create $kind"; done
! may default create secrets || fail "the account secrets may create secrets elsewhere"
for account in redis ingress nginx worker; do
  ! kubectl -n hookfleet auth can-i --as "system:serviceaccount:hookfleet:$account" get configmaps >/dev/null || fail "the account $account has rights"
done
kubectl delete -k "$here/../overlays/local" --wait=false >/dev/null
