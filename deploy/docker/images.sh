#!/usr/bin/env bash
# Builds the images that Kubernetes runs: deploy/docker/images.sh [REGISTRY]
# Without a registry as hookfleet-NAME:VERSION for a cluster of this machine, with one as REGISTRY/NAME:VERSION, and pushed.
# HOOKFLEET_TAG: another tag than the version. The base image: deploy/docker/base-image.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
prefix=hookfleet-
[ $# -eq 0 ] || prefix=${1%/}/
tag=${HOOKFLEET_TAG:-$(sed -n 's/^project(hookfleet VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)}
# In the Dockerfile's order: the older builder makes every stage above the wanted one.
while read -r name; do
  docker build -q --target "$name" -t "$prefix$name:$tag" -f deploy/docker/Dockerfile . >/dev/null
  echo "images: $prefix$name:$tag"
  [ $# -eq 0 ] || docker push -q "$prefix$name:$tag"
done < <(sed -n 's/^FROM .* AS \(redis\|nginx\|secrets\|ingress\|poller\|worker\)$/\1/p' deploy/docker/Dockerfile)
