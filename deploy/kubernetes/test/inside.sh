#!/usr/bin/env bash
# Called by test/run in namespaces of its own: inside.sh WORK LEVEL...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export cache=$HOOKFLEET_K8S_CACHE
work=$1
shift
version=$(sed -n 's/^project(hookfleet VERSION \([0-9.]*\).*/\1/p' "$here/../../../CMakeLists.txt")
export version
# shellcheck source=/dev/null
. "$here/../../../tests/support/script.sh"
# shellcheck source=/dev/null
. "$here/cluster.sh"
fail() {
  echo "FAILED: $*" >&2
  mkdir -p "$work/log"
  tail -n 5 "$work"/log/*.log >&2 || true
  [ ! -e "$work/admin.conf" ] || {
    kubectl -n hookfleet get pods -o wide
    kubectl -n hookfleet get events --field-selector type=Warning --sort-by .lastTimestamp | cut -c 1-300 | tail -n 20
    for pod in $(kubectl -n hookfleet get pods -o name); do echo "== $pod" && kubectl -n hookfleet logs --tail 5 "$pod" | cut -c 1-300; done
  } >&2 || true
  exit 1
}
trap 'echo "FAILED: line $LINENO: $BASH_COMMAND" >&2' ERR

prepare
step "etcd and API server"
start_api
for level in "$@"; do
  # shellcheck source=/dev/null
  . "$here/$level.sh"
done
step "passed: $*"
