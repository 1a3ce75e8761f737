#!/bin/sh
# Makes a fleet's secrets in its namespace of Kubernetes, once: secrets.sh [tokens] [redis]
#   tokens   hookfleet-tokens: a webhook token
#   redis    hookfleet-redis: users of Redis with what each may do (users.acl), and the URL of each program
# One that exists stays as it is. Runs as a Job whose account may create secrets and nothing else (deploy/kubernetes/components/secrets).
set -eu
account=/var/run/secrets/kubernetes.io/serviceaccount
api=https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT
case $KUBERNETES_SERVICE_HOST in *:*) api=https://[$KUBERNETES_SERVICE_HOST]:$KUBERNETES_SERVICE_PORT ;; esac
namespace=$(cat "$account/namespace")

random() { od -An -N20 -tx1 /dev/urandom | tr -d ' \n'; }
digest() { printf '%s' "$1" | sha256sum | cut -d ' ' -f 1; }

# create NAME MEMBERS: MEMBERS is the inside of a JSON object of texts. Secrets go over standard input, never into arguments.
create() {
  status=$({
    printf '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"%s","labels":{"app.kubernetes.io/part-of":"hookfleet"}},"stringData":{%s}}' "$1" "$2"
  } | curl -sS -m 20 --cacert "$account/ca.crt" -H "@$header" -H 'Content-Type: application/json' -o "$answer" -w '%{http_code}' \
    --data-binary @- "$api/api/v1/namespaces/$namespace/secrets")
  case $status in
    201) echo "secrets: $1 was made" ;;
    409) echo "secrets: $1 is there already and stays as it is" ;;
    *)
      echo "secrets: the API server answered $status to $1:" >&2
      cat "$answer" >&2
      exit 1
      ;;
  esac
}

tokens() { create hookfleet-tokens "\"tokens\":\"$(random)\\n\""; }

redis() {
  ingress=$(random) worker=$(random) poller=$(random)
  lease='+evalsha +script|load +time'
  acl='user default off\n'
  acl="${acl}user probe on nopass -@all +ping\n"
  acl="${acl}user ingress on #$(digest "$ingress") ~hf:* -@all $store (~hf:alert:* +set)\n"
  acl="${acl}user poller on #$(digest "$poller") ~hf:* -@all $store $lease +@read +@write -@dangerous +info +role +config|get -del -xtrim\n"
  # Any key: a route's action stream adds to the one it names.
  acl="${acl}user worker on #$(digest "$worker") ~* -@all +@read +@write +@connection $lease +wait -@dangerous +info +role +config|get -del -xtrim\n"
  create hookfleet-redis "$(url ingress "$ingress"),$(url worker "$worker"),$(url poller "$poller"),\"users.acl\":\"$acl\""
}
store='+xadd +xlen +xrange +wait +ping +role +info +config|get +hgetall +hsetnx +multi +exec'
url() { printf '"%s":"redis://%s:%s@redis:6379/0"' "$1" "$1" "$2"; }

header=$(mktemp) answer=$(mktemp)
{
  printf 'Authorization: Bearer '
  cat "$account/token"
} >"$header"
[ $# -gt 0 ] || set -- tokens redis
for what in "$@"; do
  case $what in
    tokens | redis) "$what" ;;
    *)
      echo "secrets: unknown word $what: tokens, redis" >&2
      exit 2
      ;;
  esac
done
