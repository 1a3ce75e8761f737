#!/usr/bin/env python3
"""Holds deploy/monitoring against itself and against what the programs export; prints what is wrong.

- each alert has a severity, a summary, a section of runbook.md and tests of which one sees it fire and one doesn't; and the reverse
- every expression of rules, dashboards and consoles parses (promtool) and names only metrics and labels that exist: those of the golden
  files of the programs' tables, of the lists in exporters/, and what the rules record
- consoles/runbook.html is made of runbook.md; --update makes it
- verbs of `hookfleet` that the runbook names exist, where HOOKFLEET_BIN_DIR says where the program is

With --live URL it asks the Prometheus there instead, which watches a fleet that has something to do: all targets and rules are well, each
expression is answered, and all but comparisons, which may hold for nothing, with a number.

Needs promtool (Debian: prometheus) and python3-yaml. Exit 0: all is well; 1: it isn't.
"""
import html
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
HERE = ROOT / "deploy/monitoring"
GOLDEN = ROOT / "tests/unit/golden"

PROCESS = ["cpu_seconds_total", "max_fds", "open_fds", "resident_memory_bytes", "start_time_seconds", "threads", "virtual_memory_bytes"]
TARGET_LABELS = {"job", "instance", "fleet"}
KEYWORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "inf", "nan", "start", "end"}

problems = []


def problem(where, what):
    problems.append(f"{where}: {what}")


def known_metrics():
    """Name -> label names, besides those of the target."""
    metrics = {"up": set(), "ALERTS": {"alertname", "alertstate", "severity"}, "hookfleet_build_info": {"compiler", "program", "version"}}
    metrics |= {f"process_{name}": set() for name in PROCESS}
    for path in sorted(GOLDEN.glob("*_metrics.txt")):
        if path.name == "sample_metrics.txt":
            continue
        for name, kind, labels in re.findall(r"^(\w+) (counter|gauge|histogram) \{([\w,]*)\}", path.read_text(), re.M):
            labels = set(filter(None, labels.split(",")))
            if kind == "histogram":
                metrics |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
            else:
                metrics[name] = labels
    for path in sorted((HERE / "exporters").glob("*.txt")):
        for name, labels in re.findall(r"^(\w+)(?: \{([\w,]*)\})?$", path.read_text(), re.M):
            metrics[name] = set(filter(None, labels.split(",")))
    return metrics


def without_strings(expression):
    return re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'', '""', re.sub(r"#.*", "", expression))


def compares(expression):
    return re.search(r"[<>]|[=!]=|\babsent\b", re.sub(r"\{[^}]*\}", " ", without_strings(expression))) is not None


def names_in(expression):
    """The metrics and the labels that a PromQL expression names."""
    text = without_strings(expression)
    labels = set()

    def matchers(found):
        labels.update(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", found.group(0)))
        return " "

    def grouping(found):
        labels.update(re.findall(r"\w+", found.group(1)))
        return " "

    text = re.sub(r"\{[^}]*\}", matchers, text)
    text = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)", grouping, text)
    text = re.sub(r"\[[^\]]*\]", " ", text)
    text = re.sub(r"\boffset\s+\w+", " ", text)
    found = re.findall(r"(?<![\w:.])([A-Za-z_:][\w:]*)(\s*\()?", text)
    return {name for name, call in found if not call and name.lower() not in KEYWORDS}, labels


def expressions():
    """(where, expression) of everything but the rules, as the reader's browser or Grafana would ask it."""
    for path in sorted((HERE / "dashboards").glob("*.json")):
        board = json.loads(path.read_text())
        for variable in board["templating"]["list"]:
            query = variable.get("query", "")
            query = query.get("query", "") if isinstance(query, dict) else query
            asked = re.fullmatch(r"label_values\((.*), *\w+\)", query)
            if asked:
                yield f"{path.name}: variable {variable['name']}", asked[1]
        panels = [inner for panel in board["panels"] for inner in [panel, *panel.get("panels", [])]]
        for panel in panels:
            for target in panel.get("targets", []):
                yield f"{path.name}: {panel['title']}", filled(target["expr"])
    for path in sorted((HERE / "consoles").glob("*.html")):
        # What stands in backticks is an expression: of the template function `query`, or of a chart that the browser draws.
        if path.name != "runbook.html":
            for expression in re.findall(r"`([^`]*)`", path.read_text()):
                yield path.name, expression


def filled(expression):
    """Grafana's variables as they are when everything is chosen."""
    for name, value in {"$__rate_interval": "1m", "$__range": "1h", "$__interval": "1m"}.items():
        expression = expression.replace(name, value)
    return re.sub(r"\$\{?\w+\}?", ".*", expression)


def check_names(where, expression, metrics):
    names, labels = names_in(expression)
    for name in sorted(names - set(metrics)):
        problem(where, f"nobody exports {name}")
    allowed = TARGET_LABELS.union(*(metrics.get(name, set()) for name in names))
    for label in sorted(labels - allowed):
        problem(where, f"no metric of this expression has a label {label}")


def check_parses(asked):
    """All as recording rules of one file, so that promtool is started once; with numbers for names, since names must not repeat."""
    rules = [{"record": f"checked:{number}", "expr": expression} for number, (_, expression) in enumerate(asked)]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"groups": [{"name": "checked", "rules": rules}]}, file)
        file.flush()
        result = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True)
    if result.returncode == 0:
        return
    for number, text in re.findall(r'"checked:(\d+)": (.*)', result.stdout + result.stderr):
        problem(asked[int(number)][0], text)
    if not problems:
        problem("promtool", result.stdout + result.stderr)


def alert_rules():
    for path in sorted((HERE / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                yield path.name, rule


def markdown(text):
    """The little of Markdown that the runbook uses, as HTML."""
    text = html.escape(text, quote=False)
    spans = re.split(r"(`[^`]*`)", text)
    for i, span in enumerate(spans):
        if span.startswith("`"):
            spans[i] = f"<code>{span[1:-1]}</code>"
        else:
            span = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", span)
            spans[i] = re.sub(r"\*([^*]+)\*", r"<i>\1</i>", span)
    # Prometheus takes its consoles for Go templates: two opening braces would be one of theirs.
    return "".join(spans).replace("{{", "&#123;&#123;")


def runbook_page():
    out = []
    for block in re.split(r"\n{2,}", (HERE / "runbook.md").read_text().strip()):
        if block.startswith("## "):
            name = block[3:].strip()
            out.append(f'<h2 id="{name.lower()}">{name}</h2>')
        elif block.startswith("# "):
            out.append(f"<h1>{markdown(block[2:].strip())}</h1>")
        else:
            out.append(f"<p>{markdown(block)}</p>")
    return ('{{/* Made of runbook.md by .ci/monitoring.py. */}}\n{{ template "head" "runbook" }}\n<div class="text">\n' + "\n".join(out)
            + '\n</div>\n{{ template "foot" }}\n')


def check_runbook(alerts, update):
    sections = re.findall(r"^## (\w+)$", (HERE / "runbook.md").read_text(), re.M)
    for name in sorted(set(alerts) - set(sections)):
        problem("runbook.md", f"no section ## {name}")
    for name in sorted(set(sections) - set(alerts)):
        problem("runbook.md", f"section {name}, but no such alert")
    page = HERE / "consoles/runbook.html"
    if update:
        page.write_text(runbook_page())
    elif not page.exists() or page.read_text() != runbook_page():
        problem("consoles/runbook.html", "not made of this runbook.md: .ci/monitoring.py --update")


def check_tests(alerts):
    fires, quiet = set(), set()
    for path in sorted((HERE / "rules/tests").glob("*.yml")):
        for test in yaml.safe_load(path.read_text())["tests"]:
            for check in test["alert_rule_test"]:
                (fires if check.get("exp_alerts") else quiet).add(check["alertname"])
    for name in sorted(set(alerts) - fires):
        problem("rules/tests", f"no test sees {name} fire")
    for name in sorted(set(alerts) - quiet):
        problem("rules/tests", f"no test sees {name} keep quiet")
    for name in sorted((fires | quiet) - set(alerts)):
        problem("rules/tests", f"{name} is tested, but no such alert")


def check_verbs():
    program = pathlib.Path(os.environ.get("HOOKFLEET_BIN_DIR", "/nowhere")) / "hookfleet"
    if not program.exists():
        return
    called = set(re.findall(r"`hookfleet ([a-z-]+(?: [a-z]+(?=[ `]))?)", (HERE / "runbook.md").read_text()))
    for verb in sorted(called):
        if subprocess.run([program, *verb.split(), "--help"], capture_output=True).returncode != 0:
            problem("runbook.md", f"there is no `hookfleet {verb}`")


def check_live(url):
    def ask(path, **parameters):
        try:
            with urllib.request.urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    for target in ask("targets")["data"]["activeTargets"]:
        if target["health"] != "up":
            problem(f"target {target['labels']}", target["lastError"] or target["health"])
    for group in ask("rules")["data"]["groups"]:
        for rule in group["rules"]:
            if rule["health"] != "ok":
                problem(f"rule {rule['name']}", rule.get("lastError", rule["health"]))
    asked = list(expressions()) + [(f"{file}: {rule.get('alert') or rule.get('record')}", rule["expr"]) for file, rule in alert_rules()]
    empty = 0
    for where, expression in asked:
        answer = ask("query", query=expression)
        if answer["status"] != "success" or answer.get("warnings"):
            problem(where, f"{answer.get('error') or answer.get('warnings')}: {expression}")
        elif not any(math.isfinite(float(one["value"][1])) for one in answer["data"]["result"]):
            empty += 1
            if not compares(expression):
                problem(where, f"no data: {expression}")
    if not problems:
        print(f"{len(asked)} expressions are answered, {len(asked) - empty} with numbers; the others compare")
    return 1 if problems else 0


def main():
    if sys.argv[1:2] == ["--live"] and len(sys.argv) == 3:
        code = check_live(sys.argv[2].rstrip("/"))
        print("\n".join(problems), end="\n" if problems else "")
        return code
    update = sys.argv[1:] == ["--update"]
    if sys.argv[1:] and not update:
        sys.exit(__doc__)
    metrics = known_metrics()
    rules = list(alert_rules())
    for _, rule in rules:
        if "record" in rule:
            metrics[rule["record"]] = names_in(rule["expr"])[1]
    alerts = {}
    asked = list(expressions())
    for file, rule in rules:
        check_names(f"{file}: {rule.get('alert') or rule.get('record')}", rule["expr"], metrics)
        if "alert" not in rule:
            continue
        name = rule["alert"]
        if name in alerts:
            problem(file, f"{name} is there twice")
        alerts[name] = rule
        if rule.get("labels", {}).get("severity") not in ("critical", "warning"):
            problem(file, f"{name} has no severity (critical, warning)")
        notes = rule.get("annotations", {})
        if not notes.get("summary"):
            problem(file, f"{name} has no summary")
        if notes.get("runbook_url") != f"{{{{ $externalURL }}}}/consoles/runbook.html#{name.lower()}":
            problem(file, f"{name}: runbook_url doesn't point to its section")
    for where, expression in asked:
        check_names(where, expression, metrics)
    check_parses(asked)
    check_runbook(alerts, update)
    check_tests(alerts)
    check_verbs()
    for text in problems:
        print(text)
    if not problems:
        print(f"{len(alerts)} alerts, {len(rules) - len(alerts)} recorded, {len(asked)} expressions of dashboards and consoles: all is well")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
