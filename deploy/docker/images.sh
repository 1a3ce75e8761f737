#!/usr/bin/env bash
# Builds the images that Kubernetes runs: deploy/docker/images.sh [REGISTRY]
# Without a registry as hookfleet-NAME:VERSION for a cluster of this machine, with one as REGISTRY/NAME:VERSION, and pushed.
# HOOKFLEET_TAG: another tag than the version. The base image: deploy/docker/base-image.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
die() { printf 'images: %s\n' "$*" >&2; exit 1; }

case $#:${1:-} in
  0:) prefix=hookfleet- ;;
  1:-* | 1:*://* | 1: | [!01]:*) die "one word, the registry and a path in it, as registry.example.org/hookfleet; not: $*" ;;
  *) prefix=${1%/}/ ;;
esac
command -v docker >/dev/null || die "there is no docker command here; install Docker Engine first"
tag=${HOOKFLEET_TAG:-$(sed -n 's/^project(hookfleet VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)}
[ -n "$tag" ] || die "CMakeLists.txt names no version; set HOOKFLEET_TAG"
output=$(mktemp)
trap 'rm -f "$output"' EXIT
# In the Dockerfile's order: the older builder makes every stage above the wanted one.
while read -r name; do
  image=$prefix$name:$tag
  docker build --target "$name" -t "$image" -f deploy/docker/Dockerfile . >"$output" 2>&1 </dev/null ||
    { tail -n 40 "$output" >&2; die "$image does not build, its last lines stand above"; }
  if [ $# -gt 0 ]; then
    docker push -q "$image" >"$output" 2>&1 </dev/null ||
      { cat "$output" >&2; die "$image was built and not pushed: docker login ${1%%/*}, then again"; }
  fi
  echo "images: $image"
done < <(sed -n 's/^FROM .* AS \(redis\|nginx\|secrets\|ingress\|poller\|worker\)$/\1/p' deploy/docker/Dockerfile)
