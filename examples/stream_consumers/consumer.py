#!/usr/bin/env python3
"""Reads what a route of Hookfleet republishes by `stream: {key: …, maxlen: …}`, as one of a consumer group.

    python3 consumer.py --stream orders --group shop --consumer shop-1

Python's standard library only. Each notification is handled by one consumer of the group. One that was read but not acknowledged (the
consumer died) is taken over by another after a minute: handle() may see a notification again, its `idempotencyKey` tells.
"""
import argparse
import json
import signal
import socket
import sys
import urllib.parse

TAKE_OVER_MS = 60_000


class RedisError(Exception):
    """Redis answered with an error."""


class Redis:
    """As much of a client as a consumer needs: commands out, replies in (RESP 2), bytes as they are."""

    def __init__(self, url: str):
        address = urllib.parse.urlsplit(url)
        self._socket = socket.create_connection((address.hostname or "127.0.0.1", address.port or 6379), timeout=10)
        self._socket.settimeout(60)  # longer than any BLOCK below
        self._replies = self._socket.makefile("rb")
        if address.password:
            user = [urllib.parse.unquote(address.username)] if address.username else []
            self.call("AUTH", *user, urllib.parse.unquote(address.password))
        if address.path.strip("/"):
            self.call("SELECT", address.path.strip("/"))

    def call(self, *words):
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self._socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        return self._reply()

    def _reply(self):
        line = self._replies.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise RedisError(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if int(rest) < 0:
                return None
            text = self._replies.read(int(rest) + 2)
            if len(text) != int(rest) + 2:
                raise ConnectionError("Redis closed the connection")
            return text[:-2]
        if kind == b"*":
            return None if int(rest) < 0 else [self._reply() for _ in range(int(rest))]
        raise ConnectionError(f"not a reply of Redis: {line!r}")


def handle(notification: dict) -> None:
    """Yours to write. Return: it is acknowledged. Raise: it stays pending and comes again."""
    print(json.dumps(notification, ensure_ascii=False), flush=True)


def notification_of(fields: list) -> dict:
    values = {name.decode(): value for name, value in zip(fields[::2], fields[1::2])}
    body = values.pop("body")
    notification = {name: value.decode(errors="replace") for name, value in values.items()}
    notification["body"] = json.loads(body)
    return notification


def consume(redis: Redis, stream: str, group: str, consumer: str, count: int) -> None:
    try:
        redis.call("XGROUP", "CREATE", stream, group, "0", "MKSTREAM")
    except RedisError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise
    handled = 0
    own = "0"  # what we had read before a restart and not acknowledged comes first
    while count == 0 or handled < count:
        # Those of consumers that are gone.
        entries = redis.call("XAUTOCLAIM", stream, group, consumer, TAKE_OVER_MS, "0", "COUNT", "10")[1]
        if not entries:
            read = redis.call("XREADGROUP", "GROUP", group, consumer, "COUNT", "10", "BLOCK", "5000", "STREAMS", stream, own)
            entries = read[0][1] if read else []
            if own != ">" and not entries:
                own = ">"
        for entry_id, fields in entries:
            if fields:  # else cut off the stream by maxlen before it was handled
                handle(notification_of(fields))
            redis.call("XACK", stream, group, entry_id)
            if own != ">":
                own = entry_id.decode()
            handled += 1
            if handled == count:
                return


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--redis", default="redis://127.0.0.1:6379")
    parser.add_argument("--stream", required=True, help="the key that the route names")
    parser.add_argument("--group", required=True)
    parser.add_argument("--consumer", required=True, help="a name of its own for each process")
    parser.add_argument("--count", type=int, default=0, help="end after so many; 0: never")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    consume(Redis(options.redis), options.stream, options.group, options.consumer, options.count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
