#!/usr/bin/env python3
"""Compiles every header by itself: headers_alone.py BUILD_DIR, whose compile_commands.json gives the flags. Exit 1 when one fails."""
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def flags_of(build: pathlib.Path) -> list[str]:
    """The flags of a test that sees the most include paths: headers of all folders then compile with one command."""
    commands = json.loads((build / "compile_commands.json").read_text())
    tests = [shlex.split(c["command"]) for c in commands if "HOOKFLEET_SOURCE_DIR" in c["command"]]
    longest = max(tests, key=lambda c: sum(f.startswith(("-I", "-isystem")) for f in c))
    kept, skip = [], False
    for flag in longest:
        if skip:
            skip = False
        elif flag in ("-o", "-c", "-MF", "-MT", "-MQ"):
            skip = flag != "-c"
        elif not flag.endswith((".cpp", ".cc")) and flag not in ("-MD", "-MMD"):
            kept.append(flag)
    return kept


def main() -> int:
    build = pathlib.Path(sys.argv[1])
    flags = flags_of(build)
    headers = sorted(p for top in ("common", "ingress", "worker", "cli", "tests/support") for p in (ROOT / top).rglob("*.hpp"))

    def compile_alone(header: pathlib.Path) -> str:
        with tempfile.NamedTemporaryFile("w", suffix=".cpp") as source:
            source.write(f'#include "{header.relative_to(ROOT)}"\n')
            source.flush()
            done = subprocess.run([*flags, "-fsyntax-only", source.name], cwd=build, capture_output=True, text=True)
        return "" if done.returncode == 0 else f"{header.relative_to(ROOT)} does not compile alone:\n{done.stderr}"

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [p for p in pool.map(compile_alone, headers) if p]
    print("\n".join(problems), file=sys.stderr)
    print(f"headers alone: {len(headers) - len(problems)} of {len(headers)} compile")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
