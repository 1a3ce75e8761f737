# shellcheck shell=bash disable=SC2034,SC2154
# What levels K3 and K4 do to a fleet; to be sourced by them.

url=''
from=() # the command before each that sends: outside
sent=0  # acknowledged so far

k() { kubectl -n hookfleet "$@"; }

post() { # post TOKEN ID: prints the status
  "${from[@]}" curl -k -sS --noproxy '*' -m 40 -o "$work/answer" -w '%{http_code}' -H "Authorization: Bearer $1" -d '{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101000001,"wid":"79990000000@c.us","typeInstance":"whatsapp"},"timestamp":1700000000,"idMessage":"'"$2"'","senderData":{"chatId":"79990000001@c.us","sender":"79990000001@c.us"},"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"Hello"}}}' "$url" || true
}
posted=0
try() { # try TOKEN STATUS: posts another notification, and is answered so
  posted=$((posted + 1))
  answered=$(post "$1" "SINGLE$posted")
  [ "$answered" != 200 ] || sent=$((sent + 1))
  [ "$answered" = "$2" ]
}
# As many in a row as meet every ingress
try_all() { for _ in $(seq 12); do try "$@" || return 1; done; }
begin_load() { # begin_load NAME [RATE]
  load_report=$work/load-$1
  load_name=$1
  rm -f "$load_report"
  "${from[@]}" /usr/bin/python3 "$here/load.py" "$url" "${2:-100}" "$work/token" "$load_report" "$1" >"$work/log/load.log" 2>&1 &
  load=$!
}
end_load() { # Every answer was 200.
  kill "$load"
  wait "$load" || fail "the load: $(cat "$work/log/load.log")"
  local count
  count=$(sed -n 's/^{"sent": \([0-9]*\), "answers": {"200": \1}, .*/\1/p' "$load_report")
  [ -n "$count" ] || fail "$load_name: not all were answered 200: $(cat "$load_report")"
  [ "$count" -ge 200 ] || fail "$load_name: only $count were sent: $(cat "$load_report")"
  sent=$((sent + count))
  echo "         $(cat "$load_report")"
}
end_overload() { # Who sends takes the same cores: only what was acknowledged counts.
  kill "$load"
  wait "$load" || fail "the load: $(cat "$work/log/load.log")"
  echo "         $(cut -c 1-150 "$load_report")"
  sent=$((sent + $(sed -n 's/.*"200": \([0-9]*\).*/\1/p' "$load_report")))
}

address() { k get secret hookfleet-redis -o "jsonpath={.data.$1}" | base64 -d | sed 's/@redis:/@127.0.0.1:/'; } # of Redis, for a user in its own pod
redis() { k exec redis-0 -- redis-cli -u "$(address cli)" "$@" 2>/dev/null; }
# What handlers have counted, exactly once each
handled() {
  redis --scan --pattern 'hf:{*}:cnt' | sed 's/.*/hget & incomingMessageReceived/' >"$work/keys"
  k exec -i redis-0 -- redis-cli -u "$(address cli)" <"$work/keys" 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }'
}
all_handled() { [ "$(handled)" -eq "$sent" ]; }
hookfleet() { KUBECTL=$here/kubectl "$here/../hookfleet" "$@"; }
owned() { hookfleet status 2>/dev/null | grep -q "partitions 32/32 owned"; }

rolled_out() { k rollout status "$1" --timeout 240s >"$work/log/rollout.log" 2>&1 || fail "$1 does not become ready"; }
pods_of() { k get pods -l "app.kubernetes.io/name=$1" --field-selector status.phase=Running --no-headers 2>/dev/null | grep -c ' 1/1 ' || true; }
runs() { [ "$(pods_of "$1")" -eq "$2" ] && [ "$(k get pods -l "app.kubernetes.io/name=$1" --no-headers | wc -l)" -eq "$2" ]; } # and none that still ends
