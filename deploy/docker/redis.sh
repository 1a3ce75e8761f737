#!/bin/sh
# Starts Redis with half of the memory there is, or REDIS_MAXMEMORY; the rest is for its buffers and the rewriting of its log.
set -eu
if [ -z "${REDIS_MAXMEMORY:-}" ]; then
  memory=$(awk '/^MemTotal/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)
  for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    limit=$(cat "$file" 2>/dev/null || echo max)
    case $limit in
      max | *[!0-9]*) ;;
      *) [ "${#limit}" -gt 15 ] || [ "$limit" -ge "$memory" ] || memory=$limit ;;
    esac
  done
  REDIS_MAXMEMORY=$((memory / 2))
fi
case $(printf %s "$REDIS_MAXMEMORY" | tr KMGB kmgb | sed 's/[kmg]\{0,1\}b\{0,1\}$//') in
  *[!0-9]* | '')
    echo "redis: REDIS_MAXMEMORY is \"$REDIS_MAXMEMORY\": bytes are wanted, as 3gb, 512mb or 1073741824; empty: half of the memory" >&2
    exit 2
    ;;
esac
# Who may do what is said by a file that may be older than this image: a secret in Kubernetes outlives versions.
if [ "${1:-}" = --aclfile ]; then
  /hookfleet/redis_acl "$2" >/tmp/users.acl
  shift 2
  set -- --aclfile /tmp/users.acl "$@"
fi
# Reached by name from other containers; the network is ours and the port isn't published.
exec /hookfleet/redis_start /data /hookfleet/redis.conf --dir /data --bind '* -::*' --protected-mode no --maxmemory "$REDIS_MAXMEMORY" "$@"
