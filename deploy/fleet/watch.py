#!/usr/bin/python3
"""Supervisor's event listener for ./fleet; runs in .fleet/.

Restarts what no longer answers /livez: `watch.list` has a line `NAME SECONDS URL` for each process, read again every round. A process that
refuses its settings (exit 2) is tried again every REFUSED_SECONDS only, while it is in that list. Keeps the access log of nginx, which has no rotation of its own,
at LOGS files of LOG_BYTES.
"""
import concurrent.futures
import dataclasses
import http.client
import os
import re
import select
import sys
import time
import urllib.error
import urllib.request
import xmlrpc.client

from supervisor import childutils
from supervisor.xmlrpc import Faults

ROUND_SECONDS = 1.0
PROBE_SECONDS = 2.0
START_SECONDS = 60.0  # until the first answer after a start, on a busy machine
REFUSED_SECONDS = 20.0
FAILURES = 3          # never on fewer unanswered probes: perhaps it was us who slept
ACCESS_LOG = "log/nginx-1.log"
LOG_BYTES = 100 << 20
LOGS = 5


@dataclasses.dataclass
class Seen:
    """What is known of one process since it was started."""
    pid: int
    since: float
    answered: bool = False
    failures: int = 0


def say(text: str) -> None:
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), text, file=sys.stderr, flush=True)


def answers(url: str, timeout: float) -> bool:
    """True when the process answers at all and doesn't call itself dead."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=timeout):
            return True
    except urllib.error.HTTPError:
        return False
    except (OSError, http.client.HTTPException):
        return False


def watched() -> dict[str, tuple[float, str]]:
    try:
        with open("watch.list", encoding="utf-8") as lines:
            rows = [line.split() for line in lines if line.strip()]
    except OSError:
        return {}
    return {name: (float(seconds), url) for name, seconds, url in rows}


def watch_round(rpc, seen: dict[str, Seen], pool: concurrent.futures.Executor) -> None:
    limits = watched()
    running = {p["name"]: p["pid"] for p in rpc.supervisor.getAllProcessInfo() if p["statename"] == "RUNNING" and p["name"] in limits}
    for name in set(seen) - set(running):
        del seen[name]
    results = pool.map(lambda name: (name, answers(limits[name][1], min(PROBE_SECONDS, limits[name][0] / FAILURES))), running)
    for name, alive in results:
        now = time.monotonic()
        state = seen.get(name)
        if state is None or state.pid != running[name]:
            state = seen[name] = Seen(running[name], now)
        if alive:
            seen[name] = Seen(state.pid, now, True)
            continue
        state.failures += 1
        limit = limits[name][0] if state.answered else max(START_SECONDS, limits[name][0])
        if now - state.since >= limit and state.failures >= FAILURES:
            say(f"{name} (pid {state.pid}) has not answered /livez for {now - state.since:.0f} s: killed, it is started again")
            rpc.supervisor.signalProcess(name, "KILL")
            del seen[name]


def rotate(rpc) -> None:
    try:
        if os.stat(ACCESS_LOG).st_size < LOG_BYTES:
            return
        for number in range(LOGS - 1, 0, -1):
            older = f"{ACCESS_LOG}.{number - 1}" if number > 1 else ACCESS_LOG
            if os.path.exists(older):
                os.replace(older, f"{ACCESS_LOG}.{number}")
        rpc.supervisor.signalProcess("nginx-1", "USR1")
    except FileNotFoundError:
        pass


def refused_settings(name: str) -> bool:
    """Supervisor tells nobody the exit code of a process that ended while it was starting, but its log."""
    with open("log/supervisor.log", "rb") as log:
        log.seek(max(0, os.stat(log.fileno()).st_size - 8192))
        ends = re.findall(rf"exited: {re.escape(name)} \((.*?);", log.read().decode(errors="replace"))
    return bool(ends) and ends[-1] == "exit status 2"


def try_again(rpc, refused: dict[str, float]) -> None:
    """Starts what refused its settings some time ago; whoever ends processes has taken them out of the list."""
    now = time.monotonic()
    for name in [name for name, due in refused.items() if now >= due]:
        del refused[name]
        if name in watched():
            rpc.supervisor.startProcess(name, False)


def on_event(rpc, headers: dict[str, str], payload: str, refused: dict[str, float]) -> None:
    if headers["eventname"] not in ("PROCESS_STATE_BACKOFF", "PROCESS_STATE_EXITED"):
        return
    facts = dict(pair.split(":", 1) for pair in payload.split())
    name = facts["processname"]
    if name.startswith(("ingress-", "poller-", "worker-")) and refused_settings(name):
        if headers["eventname"] == "PROCESS_STATE_BACKOFF":
            rpc.supervisor.stopProcess(name, False)
        refused[name] = time.monotonic() + REFUSED_SECONDS
        say(f"{name} refuses its settings (exit 2): log/{name}.out says why; tried again in {REFUSED_SECONDS:.0f} s, or by ./fleet up")
    elif facts.get("expected") == "0":
        say(f"{name} (pid {facts['pid']}) ended unasked, it is started again; its last words, if any: log/{name}.out, log/{name}.log")


def main() -> None:
    rpc = childutils.getRPCInterface(os.environ)
    seen: dict[str, Seen] = {}
    refused: dict[str, float] = {}
    pool = concurrent.futures.ThreadPoolExecutor(16)
    due = time.monotonic()
    childutils.listener.ready()
    while True:
        if select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
            line = sys.stdin.readline()
            if not line:
                return
            headers = childutils.get_headers(line)
            payload = sys.stdin.read(int(headers["len"]))
            try:
                on_event(rpc, headers, payload, refused)
            except Exception as error:  # the protocol needs an answer whatever happened
                say(f"event {headers.get('eventname')}: {error}")
            childutils.listener.ok()
            childutils.listener.ready()
        if time.monotonic() >= due:
            due = time.monotonic() + ROUND_SECONDS
            try:
                watch_round(rpc, seen, pool)
                rotate(rpc)
                try_again(rpc, refused)
            except xmlrpc.client.Fault as fault:  # supervisor is stopping, or a process ended or was started between two calls
                if fault.faultCode not in (Faults.SHUTDOWN_STATE, Faults.ALREADY_STARTED, Faults.BAD_NAME):
                    say(f"round: {fault.faultString}")
            except OSError as error:
                say(f"round: {error}")


if __name__ == "__main__":
    main()
