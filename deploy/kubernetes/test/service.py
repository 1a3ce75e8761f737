#!/usr/bin/python3
"""A service that takes its time: service.py PORT SECONDS. POST: 200 after SECONDS; GET: of how many notifications, by their idMessage."""
import http.server
import json
import sys
import time

port, seconds = int(sys.argv[1]), float(sys.argv[2])
seen = set()


class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(seconds)
        seen.add(body["idMessage"])
        self.answer("")

    def do_GET(self):
        self.answer(str(len(seen)))

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("", port), Service).serve_forever()
