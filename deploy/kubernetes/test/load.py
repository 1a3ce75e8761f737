#!/usr/bin/python3
"""Posts notifications at a rate until SIGTERM, each on a connection of its own: load.py URL RATE TOKEN_FILE REPORT NAME

The token is read before each post, so it can be replaced meanwhile. REPORT gets one JSON object: how many were sent, answers by status (none
of 200 with its text and seconds, what is no answer by its error), the greatest latency in seconds. It waits for the answers to what it sent before it ends.
"""
import collections
import http.client
import json
import pathlib
import signal
import ssl
import sys
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

url, rate, token_file, report, name = sys.argv[1:]
target = urllib.parse.urlparse(url)
unverified = ssl.create_default_context()
unverified.check_hostname = False
unverified.verify_mode = ssl.CERT_NONE
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
lock = threading.Lock()
answers = collections.Counter()
latest = 0.0


def post(number):
    global latest
    body = json.dumps({
        "typeWebhook": "incomingMessageReceived",
        "instanceData": {"idInstance": 1101000001, "wid": "79990000000@c.us", "typeInstance": "whatsapp"},
        "timestamp": 1700000000 + number,
        "idMessage": f"{name}{number}",
        "senderData": {"chatId": f"7999{number % 50:07}@c.us", "sender": f"7999{number % 50:07}@c.us"},
        "messageData": {"typeMessage": "textMessage", "textMessageData": {"textMessage": "Hello"}},
    })
    headers = {"Authorization": "Bearer " + pathlib.Path(token_file).read_text().strip(), "Content-Type": "application/json"}
    began = time.monotonic()
    try:
        if target.scheme == "https":
            connection = http.client.HTTPSConnection(target.hostname, target.port, timeout=60, context=unverified)
        else:
            connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
        connection.request("POST", target.path, body, headers)
        response = connection.getresponse()
        answer = str(response.status)
        if response.status != 200:  # who says so, and after how long
            answer += f" {response.read(100).decode(errors='replace')} {time.monotonic() - began:.1f} s"
        connection.close()
    except (OSError, http.client.HTTPException) as error:
        answer = f"{type(error).__name__}: {error}"
    took = time.monotonic() - began
    with lock:
        answers[answer] += 1
        latest = max(latest, took)


# Redis may be away for 20 s; then as many wait.
with ThreadPoolExecutor(int(float(rate) * 30)) as pool:
    began = time.monotonic()
    number = 0
    while not stop.is_set():
        pool.submit(post, number)
        number += 1
        stop.wait(max(0.0, began + number / float(rate) - time.monotonic()))
with open(report, "w", encoding="utf-8") as out:
    json.dump({"sent": number, "answers": answers, "slowest_s": round(latest, 3)}, out)
