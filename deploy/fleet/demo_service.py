#!/usr/bin/python3
"""The receiving service of `./fleet demo`: `demo_service.py PORT [--mended]` prints a line for each notification that it is sent on 127.0.0.1.

It has a bug, as services have: orders of teapots are refused with 422, until it is mended.
"""
import http.server
import json
import sys
import time

MENDED = "--mended" in sys.argv


def line(body: bytes) -> str:
    """What a notification says, in a line; control characters escaped."""
    notification = json.loads(body)
    data = notification.get("messageData", {})
    said = data.get("textMessageData", {}).get("textMessage") or data.get("typeMessage") or notification.get("status", "")
    chat = notification.get("senderData", {}).get("chatId") or notification.get("chatId") or notification.get("from", "-")
    number = notification.get("simulated", "").rpartition(".")[2]
    text = f'{time.strftime("%H:%M:%S")} {notification["typeWebhook"]} {notification["instanceData"]["idInstance"]} {chat}'
    return text + (f" #{number}" if number else "") + f" {json.dumps(said, ensure_ascii=False)}"


class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            text, status = line(body), 200
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            text, status = f"refused: {error!r}", 422
        if not MENDED and b"teapot" in body:
            text, status = "refused: no price for teapots", 422
        print(text, flush=True)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Service).serve_forever()
