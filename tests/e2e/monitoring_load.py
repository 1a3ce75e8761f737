#!/usr/bin/env python3
"""Posts the documented bodies for a while, so that there is something to see: monitoring_load.py URL TOKEN SECONDS [PER_SECOND].

Each notification is of its own (idMessage), of one of 10 instances and 200 chats; now and then one is repeated, broken, or has a wrong token.
Prints how many answers of each status there were."""
import collections
import http.client
import json
import pathlib
import random
import sys
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CONNECTIONS = 8

url = urllib.parse.urlsplit(sys.argv[1])
token, seconds = sys.argv[2], float(sys.argv[3])
per_second = float(sys.argv[4]) if len(sys.argv) > 4 else 50
samples = [json.loads(path.read_text()) for path in sorted((ROOT / "cli/simulate/samples").glob("*/*.json"))]
broken = [path.read_bytes() for path in sorted((ROOT / "tests/samples/broken").rglob("*")) if path.is_file()]
if not samples or not broken:
    sys.exit("no samples")
statuses = collections.Counter()


def fresh(chance, number):
    body = dict(chance.choice(samples))
    body["instanceData"] = dict(body.get("instanceData", {}), idInstance=1101000000 + number % 10)
    if "idMessage" in body:
        body["idMessage"] = f"{number:016X}{chance.getrandbits(64):016X}"
    if isinstance(body.get("senderData"), dict):
        chat = f"7999{chance.randrange(200):07d}@c.us"
        body["senderData"] = dict(body["senderData"], chatId=chat, sender=chat)
    body["timestamp"] = int(time.time())
    return json.dumps(body).encode()


def post(index):
    chance = random.Random(index)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    begun = time.monotonic()
    sent = 0
    while time.monotonic() < begun + seconds:
        body = fresh(chance, index + CONNECTIONS * sent)
        dice = chance.random()
        if dice < 0.005:
            body = chance.choice(broken)
        presented = "wrong" if 0.005 <= dice < 0.01 else token
        for _ in range(2 if 0.01 <= dice < 0.03 else 1):
            connection.request("POST", url.path, body, {"Authorization": f"Bearer {presented}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            statuses[answer.status] += 1
        sent += 1
        time.sleep(max(0, begun + sent * CONNECTIONS / per_second - time.monotonic()))


threads = [threading.Thread(target=post, args=(index,)) for index in range(CONNECTIONS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(", ".join(f"{count} × {status}" for status, count in sorted(statuses.items())))
sys.exit(0 if statuses[200] else 1)
