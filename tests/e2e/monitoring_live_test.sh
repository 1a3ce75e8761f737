#!/usr/bin/env bash
# Prometheus, Alertmanager and the exporters beside a fleet under load, by ./fleet and deploy/monitoring/run: every expression of rules, dashboards and
# consoles is answered, and those that should have numbers have them; the consoles show them; an alert reaches Alertmanager, with a link
# to its section of the runbook. Works on 127.0.0.1 only. Skipped without Prometheus' packages.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=/dev/null
. tests/support/script.sh
: "${HOOKFLEET_BIN_DIR:?the folder of the programs}"
export HOOKFLEET_BIN_DIR
source=$PWD

skip() { echo "SKIPPED: $*" >&2; exit 77; }
for package in prometheus prometheus-alertmanager prometheus-redis-exporter prometheus-nginx-exporter; do
  command -v "$package" >/dev/null || skip "there is no $package here: apt-get install $package"
done
/usr/bin/python3 -c 'import yaml' 2>/dev/null || skip "Python has no yaml here: apt-get install python3-yaml"

work=$(mktemp -d)
here="$work/a folder with blanks"
copy_of_fleet "$here"
mkdir -p "$here/tests/unit"
cp -r .ci "$here/"
cp -r deploy/monitoring "$here/deploy/"
cp -r tests/unit/golden "$here/tests/unit/"
cd "$here"
pids=()
fail() {
  echo "FAILED: $*" >&2
  tail -n 5 .fleet/monitoring/*.log "$work"/*.log >&2 || true
  exit 1
}
cleanup() {
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait || true
  ./fleet down --purge --yes >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

mapfile -t port < <(free_ports 6)
prometheus=http://127.0.0.1:${port[1]}

step "a fleet that forwards, tells a sink, fetches for an instance and watches it"
# What it forwards to and tells, and GREEN-API for the poller.
/usr/bin/python3 - "${port[5]}" <<'PY' &
import http.server, itertools, json, sys, time
receipts = itertools.count(1)
class Taker(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b"{}")
    def do_DELETE(self):
        self.answer(b'{"result":true}')
    def do_GET(self):
        if "receiveNotification" in self.path:
            time.sleep(0.2)
            number = next(receipts)
            body = {"typeWebhook": "incomingMessageReceived", "instanceData": {"idInstance": 1101000001, "wid": "79990000000@c.us", "typeInstance": "whatsapp"},
                    "timestamp": int(time.time()), "idMessage": f"FETCHED{number}", "senderData": {"chatId": "79990000001@c.us", "sender": "79990000001@c.us"},
                    "messageData": {"typeMessage": "textMessage", "textMessageData": {"textMessage": "Hello"}}}
            self.answer(json.dumps({"receiptId": number, "body": body}).encode())
        elif "getWebhooksCount" in self.path:
            self.answer(b'{"count":3}')
        elif "getStateInstance" in self.path:
            self.answer(b'{"stateInstance":"authorized"}')
        else:
            self.answer(b'{"webhookUrl":"","webhookUrlToken":""}')
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Taker).serve_forever()
PY
pids+=($!)
cat >"$work/settings.yaml" <<YAML
auth:
  tokens: ["\${HOOKFLEET_TOKEN}"]
  allowlist: {addresses: [127.0.0.1]}
worker: {instances: [1101000001]}
poller: {instances: [{id: 1101000001, api_url: "http://127.0.0.1:${port[5]}", token: api-token, watch: true}]}
alerts: {sinks: [{http: {url: "http://127.0.0.1:${port[5]}/alert"}}, {alertmanager: {url: "http://127.0.0.1:${port[2]}"}}]}
routes:
  - match: {typeWebhook: [incomingMessageReceived]}
    actions: [{handler: message}, {forward: {name: shop, url: "http://127.0.0.1:${port[5]}/in"}}]
  - shipped
YAML
./fleet up --port "127.0.0.1:${port[0]}" --pollers 1 --config "$work/settings.yaml" >"$work/up.log" 2>&1 || fail "up"

step "what watches it"
! PROMETHEUS_PORT=${port[5]} deploy/monitoring/run >"$work/taken.log" 2>&1 || fail "it starts on a port that is taken"
grep -q "port ${port[5]} is taken" "$work/taken.log" || fail "nothing is said of a port that is taken: $(cat "$work/taken.log")"
PROMETHEUS_PORT=${port[1]} ALERTMANAGER_PORT=${port[2]} REDIS_EXPORTER_PORT=${port[3]} NGINX_EXPORTER_PORT=${port[4]} SCRAPE_INTERVAL=1s SCRAPE_TIMEOUT=1s \
  deploy/monitoring/run >"$work/run.log" 2>&1 &
pids+=($!)
within 60 curl -sSf --noproxy '*' -o /dev/null "$prometheus/-/ready" 2>/dev/null || fail "Prometheus isn't ready"

step "load"
# shellcheck source=/dev/null
. .fleet/env
/usr/bin/python3 "$source/tests/e2e/monitoring_load.py" "$HOOKFLEET_URL" "$HOOKFLEET_TOKEN" 300 >"$work/load.log" 2>&1 &
pids+=($!)

step "a wrong token from a listed address reaches Alertmanager"
refused() { curl -sS --noproxy '*' -o /dev/null -H 'Authorization: Bearer wrong' -d '{}' "$HOOKFLEET_URL"; }
alerted() {
  refused
  curl -sSf --noproxy '*' "http://127.0.0.1:${port[2]}/api/v2/alerts" >"$work/alerts.json" && grep -q '"alertname":"HookfleetTokenRefused"' "$work/alerts.json"
}
within 90 alerted || fail "no alert in Alertmanager: $(cat "$work/alerts.json")"
runbook=$(/usr/bin/python3 -c 'import json, sys; print(*{alert["annotations"]["runbook_url"] for alert in json.load(sys.stdin) if alert["labels"]["alertname"] == "HookfleetTokenRefused"})' <"$work/alerts.json")
[ "$runbook" = "$prometheus/consoles/runbook.html#hookfleettokenrefused" ] || fail "its runbook is at $runbook"

step "so does what the fleet tells by itself"
told() {
  curl -sSf --noproxy '*' "http://127.0.0.1:${port[2]}/api/v2/alerts" | /usr/bin/python3 -c '
import json, sys
sys.exit(not any(alert["labels"].get("alertname") == "Hookfleet" and alert["labels"].get("kind") == "token_refused" for alert in json.load(sys.stdin)))'
}
within 60 told || fail "the sink alertmanager brings nothing"

step "every expression is answered"
whole() { /usr/bin/python3 .ci/monitoring.py --live "$prometheus" >"$work/live.log"; }
within 90 whole || fail "$(cat "$work/live.log")"
cat "$work/live.log"

step "consoles"
for page in hookfleet ingress polling worker redis runbook; do
  curl -sSf --noproxy '*' "$prometheus/consoles/$page.html" >"$work/$page.html" || fail "no console $page"
  grep -q '</html>' "$work/$page.html" || fail "the console $page isn't whole: $(tail -n 3 "$work/$page.html")"
done
grep -q 'id="hookfleettokenrefused"' "$work/runbook.html" || fail "the runbook has no such section"
grep -q 'href="runbook.html#hookfleettokenrefused"' "$work/hookfleet.html" || fail "the overview doesn't show the alert"
for page in hookfleet polling; do
  ! grep -q '<strong>–</strong>' "$work/$page.html" || fail "a figure of the console $page has no number: $(grep -B1 '<strong>–' "$work/$page.html")"
done
grep -q '<span>Workers</span><strong>2</strong>' "$work/hookfleet.html" || fail "the overview doesn't see two workers"

step "another worker is found by itself"
./fleet up --workers 3 >"$work/up.log" 2>&1 || fail "scaling"
three() { curl -sSf --noproxy '*' -G --data-urlencode 'query=count(up{job="hookfleet-worker"} == 1)' "$prometheus/api/v1/query" | grep -q ',"3"\]'; }
within 60 three || fail "Prometheus doesn't see the third worker"
echo passed
