#!/usr/bin/env bash
# deploy/monitoring: the configurations and rules are ones that Prometheus and Alertmanager take, the rules' tests pass, and .ci/monitoring.py finds alerts,
# runbook, dashboards and consoles in step with each other and with what the programs export. Skipped without Prometheus' packages.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() { echo "SKIPPED: $*" >&2; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
command -v promtool >/dev/null || skip "there is no promtool here: apt-get install prometheus"
command -v amtool >/dev/null || skip "there is no amtool here: apt-get install prometheus-alertmanager"
/usr/bin/python3 -c 'import yaml' 2>/dev/null || skip "Python has no yaml here: apt-get install python3-yaml"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r deploy/monitoring "$work/"
cd "$work/monitoring"
# Debian builds Prometheus without Kubernetes' discovery: its labels are tried with targets from a list.
sed -i 's/kubernetes_sd_configs: .*/static_configs: [{targets: ["127.0.0.1:9090"]}]/' prometheus-kubernetes.yml
for file in prometheus*.yml; do promtool check config "$file" >"$work/out" 2>&1 || { cat "$work/out" >&2; fail "Prometheus refuses $file"; }; done
amtool check-config alertmanager.yml >"$work/out" 2>&1 || { cat "$work/out" >&2; fail "Alertmanager refuses alertmanager.yml"; }
promtool test rules rules/tests/*.yml >"$work/out" 2>&1 || { cat "$work/out" >&2; fail "tests of the rules"; }
cd - >/dev/null
/usr/bin/python3 .ci/monitoring.py || fail ".ci/monitoring.py"

# The checker itself finds what it is for.
finds() {  # finds WHAT FILE SED-SCRIPT
  mkdir -p "$work/copy" && cp -r --parents .ci/monitoring.py deploy/monitoring tests/unit/golden "$work/copy/"
  sed -i "$3" "$work/copy/$2"
  ! cmp -s "$2" "$work/copy/$2" || fail "nothing was changed in $2"
  ! /usr/bin/python3 "$work/copy/.ci/monitoring.py" >"$work/out" || fail "not found: $1"
  grep -q "$1" "$work/out" || { cat "$work/out" >&2; fail "found something else than: $1"; }
  rm -rf "$work/copy"
}
rules=deploy/monitoring/rules
finds "no section ## HookfleetTypeHeld" deploy/monitoring/runbook.md 's/^## HookfleetTypeHeld/## HookfleetTypeHold/'
finds "nobody exports hookfleet_worker_type_hold" $rules/alerts.yml 's/hookfleet_worker_type_held/hookfleet_worker_type_hold/'
finds "has a label typeWebhock" $rules/alerts.yml 's/by (fleet, typeWebhook)/by (fleet, typeWebhock)/'
finds "no test sees HookfleetTypeHeld fire" $rules/tests/workers_test.yml 's/alertname: HookfleetTypeHeld$/alertname: HookfleetNoWorker/'
finds "runbook_url doesn't point" $rules/alerts.yml 's/#hookfleettypeheld/#hookfleettypehold/'
finds "not made of this runbook.md" deploy/monitoring/runbook.md 's/Means/Meant/'
echo passed
