#!/usr/bin/python3
"""The other end of tls_test.sh.

  tls_client.py handshakes PORT CA TOKEN             what is taken and refused; exit 1 and a line for each that is not as it should be
  tls_client.py load PORT CA1 CA2 TOKEN PROGRESS     posts until PROGRESS.stop exists; a line "N SERIAL" in PROGRESS for each change of the
                                                     certificate that was shown; exit 1 when a single post did not get 200
"""
import http.client
import os
import ssl
import sys
import threading
import warnings

warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.1 is what this asks for
TIMEOUT = 60
BODY = (
    '{"typeWebhook":"stateInstanceChanged","instanceData":{"idInstance":1101000001,"wid":"79990000000@c.us","typeInstance":"whatsapp"},'
    '"timestamp":1700000000,"stateInstance":"authorized"}'
)


def context(authorities, lowest=ssl.TLSVersion.TLSv1_2, highest=ssl.TLSVersion.TLSv1_3, ciphers=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for authority in authorities:
        made.load_verify_locations(authority)
    if ciphers:
        made.set_ciphers(ciphers)
    made.minimum_version, made.maximum_version = lowest, highest
    return made


class Connection(http.client.HTTPSConnection):
    """To 127.0.0.1, verified as localhost."""

    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = self._context.wrap_socket(self.sock, server_hostname="localhost")


def post(port, made, token):
    """Status, TLS version and the certificate's serial of one post on a connection of its own."""
    connection = Connection("127.0.0.1", port, timeout=TIMEOUT, context=made)
    try:
        connection.connect()
        version, serial = connection.sock.version(), connection.sock.getpeercert()["serialNumber"]
        connection.request("POST", "/webhook", BODY, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status, version, serial
    finally:
        connection.close()


def handshakes(port, authority, token):
    wrong = []

    def expect(what, wanted, got):
        print(f"{what}: {got}")
        if got != wanted:
            wrong.append(f"{what}: {got}, not {wanted}")

    def refusal(made):
        try:
            return "taken with " + post(port, made, token)[1]
        except ssl.SSLError as error:
            return error.reason

    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        expect(name, (200, name), post(port, context([authority], version, version), token)[:2])
    # SECLEVEL=0: else our own side would refuse and the server never be asked.
    old = context([authority], ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0")
    expect("TLSv1.1 and below", "TLSV1_ALERT_PROTOCOL_VERSION", refusal(old))
    for weak in ("AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA", "AES256-SHA"):
        made = context([authority], ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, weak + ":@SECLEVEL=0")
        expect(weak, "SSLV3_ALERT_HANDSHAKE_FAILURE", refusal(made))
    h2 = context([authority])
    h2.set_alpn_protocols(["h2", "http/1.1"])
    connection = Connection("127.0.0.1", port, timeout=TIMEOUT, context=h2)
    connection.connect()
    expect("of h2 and http/1.1", "http/1.1", connection.sock.selected_alpn_protocol())
    connection.close()
    plain = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    plain.request("POST", "/webhook", BODY, {"Authorization": f"Bearer {token}"})
    answer = plain.getresponse()
    expect("in clear", (400, b'{"error":"this port takes https only"}'), (answer.status, answer.read()))
    plain.close()
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def load(port, first, second, token, progress):
    made = context([first, second])
    failures, count, lock = [], [0], threading.Lock()
    changes, last = [], [None]

    def run():
        while not os.path.exists(progress + ".stop"):
            try:
                status, _, serial = post(port, made, token)
                problem = None if status == 200 else f"status {status}"
            except (OSError, http.client.HTTPException) as error:
                problem, serial = repr(error), None
            with lock:
                count[0] += 1
                if problem:
                    failures.append(problem)
                elif serial != last[0]:
                    # A worker that is leaving may still show the old one: only what is new since the last change counts.
                    if len(changes) == 0 or changes[-1] != serial:
                        changes.append(serial)
                        with open(progress, "a", encoding="ascii") as file:
                            file.write(f"{len(changes) - 1} {serial}\n")
                    last[0] = serial

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{count[0]} posts, {len(failures)} failed {failures[:5]}")
    return 1 if failures or count[0] == 0 else 0


if __name__ == "__main__":
    verb, port, *rest = sys.argv[1:]
    sys.exit({"handshakes": handshakes, "load": load}[verb](int(port), *rest))
