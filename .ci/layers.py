#!/usr/bin/env python3
"""Holds the sources against the dependency rule of ARCHITECTURE.md and prints every forbidden include.

A folder may include itself and what RULE gives it; a third-party header appears only in the folders that OWNER names, and in no header
that other folders include unless VOCABULARY lists it. Exit 0: the rule holds; 1: it doesn't.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

BASE = {"common/base", "common/digest"}
CONFIG = BASE | {"common/config"}
SECOND = CONFIG | {"common/log", "common/metrics", "common/notification", "common/redis", "common/schema", "common/web"}
THIRD = SECOND | {"common/durability", "common/stream", "common/lease", "common/lifecycle", "common/alert", "common/greenapi"}
# folder -> what it may include besides itself
RULE = {
    "common/base": set(),
    "common/digest": {"common/base"},
    "common/config": BASE,
    "common/log": CONFIG,
    "common/metrics": CONFIG,
    "common/notification": CONFIG,
    "common/redis": CONFIG,
    "common/schema": BASE,
    "common/web": BASE,
    "common/greenapi": BASE | {"common/web"},
    "common/durability": SECOND,
    "common/stream": SECOND,
    "common/lease": SECOND,
    "common/lifecycle": SECOND,
    "common/alert": SECOND | {"common/lease", "common/stream"},
    "ingress/accept": THIRD,
    "ingress/append": THIRD,
    "ingress/watch": THIRD,
    "ingress/http": THIRD | {"ingress/accept", "ingress/append"},
    "ingress/poll": THIRD | {"ingress/append", "ingress/watch"},
    "ingress": THIRD | {"ingress/accept", "ingress/append", "ingress/http"},
    "worker/consume": THIRD,
    "worker/dedup": THIRD,
    "worker/retry": THIRD,
    "worker/handlers": THIRD,
    "worker/forward": THIRD | {"worker/handlers"},
    "worker/routes": THIRD | {"worker/handlers", "worker/forward"},
    "worker/dispatch": THIRD | {"worker/dedup", "worker/routes", "worker/retry", "worker/handlers"},
    "worker/drift": THIRD | {"worker/dispatch", "worker/dedup", "worker/routes", "worker/retry", "worker/handlers", "worker/forward"},
    "worker": THIRD | {"worker/consume", "worker/dedup", "worker/retry", "worker/routes", "worker/handlers", "worker/forward", "worker/dispatch",
                       "worker/drift"},
    "cli/simulate": THIRD,
    "cli": THIRD | {"cli/simulate", "worker/routes", "worker/dedup"},
}
# single files that folders above them may include although the folder itself is out of reach
SHARED_FILES = {"cli": {"ingress/config.hpp", "ingress/poll/config.hpp", "ingress/watch/options.hpp", "ingress/accept/address.hpp", "ingress/accept/path.hpp", "worker/config.hpp", "worker/dispatch/arrival.hpp", "worker/dispatch/checks.hpp"}}

# header prefix -> its only user
OWNER = {
    "pistache/": {"ingress/http"},
    "hiredis/": {"common/redis"},
    "prometheus/": {"common/metrics"},
    "spdlog/": {"common/log"},
    "yaml-cpp/": {"common/config"},
    "CLI/": {"common/config"},
    "simdjson": {"common/notification"},
    "openssl/": {"common/digest"},
    "xxhash": {"common/digest"},
    "curl/": {"common/web"},
    "valijson/": {"common/schema"},
}
VOCABULARY = ("tl/expected.hpp", "nlohmann/")  # may stand in headers and be used everywhere

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.M)


def folder_of(path: str) -> str:
    parts = path.split("/")[:-1]
    while parts and "/".join(parts) not in RULE:
        parts.pop()
    return "/".join(parts)


def main() -> int:
    problems = []
    public_headers = {}
    for top in ("common", "ingress", "worker", "cli"):
        for file in sorted((ROOT / top).rglob("*.[ch]pp")):
            path = file.relative_to(ROOT).as_posix()
            folder = folder_of(path)
            if not folder:
                problems.append(f"{path}: its folder is not in the rule (.ci/layers.py): add it where it belongs")
                continue
            text = file.read_text(encoding="utf-8")
            for match in INCLUDE.finditer(text):
                kind, name = match.groups()
                line = text.count("\n", 0, match.start()) + 1
                where = f"{path}:{line}"
                target = folder_of(name) if name.split("/")[0] in ("common", "ingress", "worker", "cli") else ""
                if target:
                    if target != folder:
                        public_headers.setdefault(name, set()).add(folder)
                        if target not in RULE[folder] and name not in SHARED_FILES.get(folder, ()):
                            problems.append(f'{where}: {folder} must not include {target} ("{name}")')
                    if kind == "<":
                        problems.append(f"{where}: write our own headers with quotes: \"{name}\"")
                    continue
                for prefix, owners in OWNER.items():
                    if name.startswith(prefix) and folder not in owners:
                        problems.append(f"{where}: <{name}> belongs to {' and '.join(sorted(owners))} alone")
    for name in sorted(public_headers):
        header = ROOT / name
        if not header.exists():
            continue
        for match in INCLUDE.finditer(header.read_text(encoding="utf-8")):
            included = match.group(2)
            if not included.startswith(VOCABULARY) and any(included.startswith(prefix) for prefix in OWNER):
                problems.append(f"{name}: a header that {', '.join(sorted(public_headers[name]))} includes must not show <{included}>")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"dependency rule: {'broken, see above' if problems else 'holds'}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
