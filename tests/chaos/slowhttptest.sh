#!/usr/bin/env bash
# slowhttptest's four modes against a fleet on this machine, with good notifications beside them:
#   ./fleet up && tests/chaos/slowhttptest.sh [--connections N] [--rate N] [--seconds N]
# Prints a table: how many connections it held at most, how many the fleet closed, how often slowhttptest's own probe found the service
# available, and how good notifications fared meanwhile. Needs the Debian package slowhttptest. Exit 1 when a good notification got no 200.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

connections=1000 rate=200 seconds=30
usage() { sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
while [ $# -gt 0 ]; do
  case $1 in
    --connections | --rate | --seconds)
      [[ ${2:-} =~ ^[0-9]+$ ]] || { echo "slowhttptest.sh: $1 takes a number" >&2; exit 2; }
      printf -v "${1#--}" '%s' "$2"
      shift 2
      ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
command -v slowhttptest >/dev/null || { echo "slowhttptest.sh: slowhttptest is missing: apt-get install slowhttptest" >&2; exit 2; }
# shellcheck source=/dev/null
[ ! -r .fleet/env ] || . .fleet/env
: "${HOOKFLEET_URL:?slowhttptest.sh: no fleet here; start one: ./fleet up}" "${HOOKFLEET_TOKEN:?slowhttptest.sh: no token}"
health=${HOOKFLEET_URL%/webhook}/healthz
[ "$(ulimit -Hn)" = unlimited ] || (($(ulimit -Hn) >= connections + 200)) ||
  { echo "slowhttptest.sh: only $(ulimit -Hn) files may be open here, $connections connections need more" >&2; exit 2; }
ulimit -Sn "$(ulimit -Hn)"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A notification every 100 ms, each on a connection of its own, until the file `stop` is there: lines of status and seconds.
good() {
  local n=0
  while [ ! -e "$work/stop" ]; do
    n=$((n + 1))
    curl -sS --noproxy '*' -m 60 -o /dev/null -w '%{http_code} %{time_total}\n' -H "Authorization: Bearer $HOOKFLEET_TOKEN" \
      -d '{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101000001,"wid":"79990000000@c.us","typeInstance":"whatsapp"},"timestamp":1700000000,"idMessage":"SLOW'"$1-$$-$n"'","senderData":{"chatId":"79990000001@c.us","sender":"79990000001@c.us"},"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"x"}}}' \
      "$HOOKFLEET_URL" 2>>"$work/errors" || true
    sleep 0.1
  done
}

printf '%s\n' "$connections connections at $rate a second, $seconds s each mode" ""
printf '| %-34s | %9s | %7s | %9s | %5s | %8s | %7s | %7s | %7s |\n' mode 'held, max' closed available good 'not 200' 'p50 ms' 'p99 ms' 'max ms'
printf '|%s|\n' '------------------------------------|-----------|---------|-----------|-------|----------|---------|---------|---------'
failed=0
run() { # run NAME MODE-OPTION…
  local name=$1 beside
  shift
  rm -f "$work/stop" "$work"/slow*
  good "${name%% *}" >"$work/good" &
  beside=$!
  slowhttptest "$@" -c "$connections" -r "$rate" -l "$seconds" -p 3 -g -o "$work/slow" >"$work/output" 2>&1 || true
  : >"$work/stop"
  wait "$beside"
  # CSV: seconds, closed, pending, connected, service available
  awk -F, -v name="$name" -v good="$work/good" '
    NR > 1 { seconds++; if ($2 > closed) closed = $2; if ($4 > held) held = $4; if ($5 > 0) available++ }
    END {
      while ((getline line < good) > 0) { split(line, f, " "); n++; if (f[1] != 200) bad++; t[n] = f[2] * 1000 }
      for (i = 2; i <= n; i++) for (j = i; j > 1 && t[j - 1] > t[j]; j--) { x = t[j]; t[j] = t[j - 1]; t[j - 1] = x }
      if (!seconds || !n) { print "slowhttptest.sh: nothing was measured" >"/dev/stderr"; exit 1 }
      printf "| %-34s | %9d | %7d | %7.0f %% | %5d | %8d | %7.1f | %7.1f | %7.1f |\n", name, held, closed, 100 * available / seconds, n, bad, t[int(n * 0.5) + 1], t[int(n * 0.99) + 1], t[n]
      exit bad > 0
    }' "$work/slow.csv" || failed=1
}
run "-H slow headers (slowloris)" -H -i 10 -t GET -u "$HOOKFLEET_URL"
run "-B slow bodies" -B -i 10 -t POST -s 8192 -u "$HOOKFLEET_URL"
run "-R many ranges" -R -t GET -a 10 -b 3000 -u "$health"
run "-X answers read slowly" -X -k 3 -w 10 -y 20 -n 5 -z 32 -t GET -u "$health"
exit "$failed"
