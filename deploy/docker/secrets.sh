#!/bin/sh
# Makes a fleet's secrets in its namespace of Kubernetes, once: secrets.sh [tokens] [redis]
#   tokens   hookfleet-tokens: a webhook token
#   redis    hookfleet-redis: a user of Redis for each program with what it may do (users.acl), and its URL
# One that exists stays as it is. Runs as a Job whose account may create secrets and nothing else (deploy/kubernetes/components/secrets).
set -eu
umask 077
account=/var/run/secrets/kubernetes.io/serviceaccount
api=https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT
case $KUBERNETES_SERVICE_HOST in *:*) api=https://[$KUBERNETES_SERVICE_HOST]:$KUBERNETES_SERVICE_PORT ;; esac
namespace=$(cat "$account/namespace")

random() { od -An -N20 -tx1 /dev/urandom | tr -d ' \n'; }

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
  passwords=$work/passwords
  mkdir "$passwords"
  urls=
  for role in ingress worker poller cli; do
    password=$(random)
    echo "$password" >"$passwords/$role"
    urls="$urls\"$role\":\"redis://$role:$password@redis:6379/0\","
  done
  acl=$(/hookfleet/redis_acl "$passwords" | awk '{ printf "%s\\n", $0 }')
  create hookfleet-redis "$urls\"users.acl\":\"$acl\""
}

work=$(mktemp -d)
header=$work/header
answer=$work/answer
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
