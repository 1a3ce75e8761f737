#!/usr/bin/env python3
"""Compiles every file by itself: alone.py BUILD_DIR [FILE…], a configured build that gives the flags. Exit 1 when one fails.

Other builds put the sources of a library together into a few: there, what a file forgets to include, its neighbour may have included. Headers
count as compiled where a source begins with them. Without files: all of them.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("common", "ingress", "worker", "cli", "tests")


def flags_of(command: str) -> list[str]:
    """The command without what it reads and writes."""
    kept, skip = [], False
    for word in shlex.split(command):
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MT", "-MQ"):
            skip = True
        elif word not in ("-c", "-MD", "-MMD") and not word.endswith((".cpp", ".cxx")):
            kept.append(word)
    return kept


def flags_by_source(build: pathlib.Path) -> dict[pathlib.Path, list[str]]:
    """Each source's own flags, also where a unity build includes it in a source of its own."""
    flags = {}
    for command in json.loads((build / "compile_commands.json").read_text()):
        unit = pathlib.Path(command["file"])
        sources = re.findall(r'^#include "(.*\.cpp)"$', unit.read_text(), re.MULTILINE) if unit.suffix == ".cxx" else [unit]
        flags |= {pathlib.Path(source): flags_of(command["command"]) for source in sources}
    return flags


def files() -> list[pathlib.Path]:
    """Sources, and the headers that no source includes before anything else."""
    found = [p for folder in FOLDERS for p in (ROOT / folder).rglob("*.?pp")]
    sources = [p for p in found if p.suffix == ".cpp"]
    first = set()
    for source in sources:
        include = re.search(r'^#include (\S+)', source.read_text(), re.MULTILINE)
        if include:
            first.add(ROOT / include[1].strip('"'))
    return sources + [p for p in found if p.suffix == ".hpp" and p not in first]


def main() -> int:
    build = pathlib.Path(sys.argv[1])
    flags = flags_by_source(build)
    # Of the test that sees the most include paths: headers, and sources that are no target of this build, compile with them.
    most = max(flags.values(), key=lambda words: (any("HOOKFLEET_SOURCE_DIR" in word for word in words),
                                                  sum(word.startswith(("-I", "-isystem")) for word in words)))
    wanted = [pathlib.Path(name).resolve() for name in sys.argv[2:]] or files()

    def compile_alone(file: pathlib.Path) -> str:
        done = subprocess.run([*flags.get(file, most), "-Wno-pragma-once-outside-header", "-fsyntax-only", "-x", "c++", str(file)],
                              cwd=build, capture_output=True, text=True)
        return "" if done.returncode == 0 else f"{file.relative_to(ROOT)} does not compile alone:\n{done.stderr}"

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [p for p in pool.map(compile_alone, wanted) if p]
    print("\n".join(problems), file=sys.stderr)
    print(f"alone: {len(wanted) - len(problems)} of {len(wanted)} files compile")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
