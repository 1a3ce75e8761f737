#!/usr/bin/env python3
"""Compiles every file by itself with clang and all its warnings: alone.py BUILD_DIR [FILE…]. Exit 1 when one fails.

The build tree is configured (preset clang) and gives the flags. A build may put the sources of a library together: what one forgets to include,
its neighbour may have included. Headers that a source begins with are seen with it.
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
OF_OTHER_PRESETS = ("tests/fuzz/",)
# All that the compiler warns of, and what .ci/tidy can't see: this check looks at nothing that is included.
CHECKS = "-*,clang-diagnostic-*,misc-unused-using-decls"


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
    """Each source's own flags, also where a unity build puts it into a source with others."""
    flags = {}
    for command in json.loads((build / "compile_commands.json").read_text()):
        unit = pathlib.Path(command["file"])
        sources = re.findall(r'^#include "(.*\.cpp)"$', unit.read_text(), re.MULTILINE) if unit.suffix == ".cxx" else [unit]
        flags |= {pathlib.Path(source).resolve(): flags_of(command["command"]) for source in sources}
    return flags


def headers_to_compile(sources: list[pathlib.Path]) -> list[pathlib.Path]:
    """Headers that no source includes before anything else."""
    first = set()
    for source in sources:
        include = re.search(r'^#include [<"](.*)[>"]', source.read_text(), re.MULTILINE)
        if include:
            first.add(ROOT / include[1])
    return [p for folder in FOLDERS for p in (ROOT / folder).rglob("*.hpp") if p not in first]


def main() -> int:
    build = pathlib.Path(sys.argv[1]).resolve()
    flags = flags_by_source(build)
    # Of the test that sees the most include paths: headers compile with them, and the sources that only other presets build.
    most = max(flags.values(), key=lambda words: (any("HOOKFLEET_SOURCE_DIR" in word for word in words),
                                                  sum(word.startswith(("-I", "-isystem")) for word in words)))
    if len(sys.argv) > 2:
        wanted = [pathlib.Path(name).resolve() for name in sys.argv[2:]]
    else:
        sources = [p for folder in FOLDERS for p in (ROOT / folder).rglob("*.cpp")]
        wanted = sources + headers_to_compile(sources)

    def compile_alone(file: pathlib.Path) -> str:
        name = str(file.relative_to(ROOT))
        own = flags.get(file) or (most if file.suffix == ".hpp" or name.startswith(OF_OTHER_PRESETS) else None)
        if own is None:
            return f"{name} is in no target\n"
        compiler, *rest = own
        command = ([compiler, *rest, "-fsyntax-only", "-include", str(file), "-x", "c++", os.devnull] if file.suffix == ".hpp" else
                   ["clang-tidy-14", "--quiet", f"--checks={CHECKS}", "--warnings-as-errors=*", str(file), "--", *rest])
        done = subprocess.run(command, cwd=build, capture_output=True, text=True)
        return "" if done.returncode == 0 else f"{name} does not compile alone:\n{done.stdout}{done.stderr}"

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [p for p in pool.map(compile_alone, wanted) if p]
    print("\n".join(problems), file=sys.stderr)
    print(f"alone: {len(wanted) - len(problems)} of {len(wanted)} files compile")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
