#!/usr/bin/python3
"""Ports of this machine: `port.py check ADDRESS PORT` says why it can't be listened on, if so; `port.py free PORT…` prints, for each, the
first free port of 127.0.0.1 from there on, each another one."""
import errno
import pathlib
import re
import socket
import sys


def refusal(address: str, port: int) -> OSError | None:
    """What listening there would meet, or nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            return error
    return None


def holder(port: int) -> str:
    """The process that listens on a port, as far as this user may see it."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = pathlib.Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in (line.split() for line in rows):
            if row[3] == "0A" and int(row[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(row[9])
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            held = {match[1] for fd in (process / "fd").iterdir() if (match := re.match(r"socket:\[(\d+)\]", str(fd.readlink())))}
            if held & inodes:
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue
    return "a process of another user"


def main() -> int:
    verb, *rest = sys.argv[1:]
    if verb == "check":
        address, port = rest[0], int(rest[1])
        error = refusal(address, port)
        if error is None:
            return 0
        if error.errno == errno.EADDRINUSE:
            print(f"port {port} is taken by {holder(port)}")
        elif error.errno == errno.EACCES:
            print(f"port {port} may only be opened by root")
        elif error.errno == errno.EADDRNOTAVAIL:
            print(f"this machine has no address {address}")
        else:
            print(f"{address}:{port} can't be listened on: {error.strerror}")
        return 1
    given: set[int] = set()
    for wanted in map(int, rest):
        port = next((p for p in (*range(wanted, 65536), *range(10000, wanted)) if p not in given and refusal("127.0.0.1", p) is None), None)
        if port is None:
            print("no port of 127.0.0.1 is free", file=sys.stderr)
            return 1
        given.add(port)
        print(port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
