#!/usr/bin/env bash
# The kernel takes the ruleset of `hookfleet firewall` and does what it says: in a network namespace of its own, with a second one as the
# Internet. Needs nft, ip, and the right to make network namespaces; says what is missing and is skipped otherwise.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=/dev/null
. tests/support/script.sh
: "${HOOKFLEET_BIN_DIR:?the folder of the programs}"
PATH=$PATH:/usr/sbin:/sbin

skip() { echo "SKIPPED: $*" >&2; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
if [ "${1:-}" != inside ]; then
  command -v nft >/dev/null || skip "there is no nft here: apt-get install nftables"
  command -v ip >/dev/null || skip "there is no ip here: apt-get install iproute2"
  namespace=(unshare -n)
  [ "$(id -u)" -eq 0 ] || namespace=(unshare -rn)
  "${namespace[@]}" true 2>/dev/null || skip "this user may not make network namespaces here (in a container: docker run --privileged)"
  "${namespace[@]}" nft list ruleset >/dev/null 2>&1 || skip "the kernel has no nf_tables here"
  exec "${namespace[@]}" "$0" inside
fi

work=$(mktemp -d)
pids=()
cleanup() {
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
firewall() { "$HOOKFLEET_BIN_DIR/hookfleet" firewall "$@" || fail "hookfleet firewall $*"; }

# The shipped list, one with everything that could trip nft, and all options are taken.
firewall --config deploy/hookfleet.yaml >"$work/shipped.nft"
cat >"$work/odd.yaml" <<'YAML'
auth:
  allowlist:
    addresses: [10.1.2.3/8, 10.0.0.0/9, 10.2.0.1, "::ffff:10.9.9.9", "::/0", "fd00::1/8", 255.255.255.255, 0.0.0.0/0, "::ffff:0:0/96"]
YAML
firewall --config "$work/odd.yaml" --port 1,65535 --also 192.0.2.1,2001:db8::/33 --table hookfleet_odd --reject >"$work/odd.nft"
for ruleset in shipped odd; do
  nft -c -f "$work/$ruleset.nft" || fail "nft refuses $ruleset.nft"
  nft -f "$work/$ruleset.nft" || fail "$ruleset.nft can't be loaded"
done
nft delete table inet hookfleet_odd
nft delete table inet hookfleet

# The Internet: another namespace at the end of a cable.
unshare -n sleep 600 &
far=$!
pids+=("$far")
apart() { [ "$(readlink "/proc/$far/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
within 20 apart || fail "no second namespace"
ip link add near type veth peer name far netns "$far" || skip "the kernel has no veth here"
ip link set lo up && ip link set near up
ip addr add 192.0.2.1/24 dev near
ip -6 addr add 2001:db8::1/64 dev near nodad 2>/dev/null && v6=1 || v6=
nsenter -t "$far" -n ip link set far up
for address in 2 3; do
  nsenter -t "$far" -n ip addr add "192.0.2.$address/24" dev far
  [ -z "$v6" ] || nsenter -t "$far" -n ip -6 addr add "2001:db8::$address/64" dev far nodad
done

/usr/bin/python3 - "$work/listening" <<'PY' &
import select, socket, sys
family, host = (socket.AF_INET6, "::") if socket.has_dualstack_ipv6() else (socket.AF_INET, "")
servers = [socket.create_server((host, port), family=family, dualstack_ipv6=family == socket.AF_INET6) for port in (80, 22)]
open(sys.argv[1], "w").close()
while True:
    for server in select.select(servers, [], [])[0]:
        connection, _ = server.accept()
        connection.sendall(b"hello")
        connection.close()
PY
pids+=($!)
within 20 test -e "$work/listening" || fail "no server"

# attempt FROM TO PORT [SECONDS]: prints hello, refused or silence
attempt() {
  nsenter -t "$far" -n /usr/bin/python3 - "$@" <<'PY'
import socket, sys
source, target, port = sys.argv[1:4]
try:
    with socket.create_connection((target, int(port)), float(sys.argv[4]) if sys.argv[4:] else 20, (source, 0)) as connection:
        print(connection.recv(16).decode())
except ConnectionRefusedError:
    print("refused")
except TimeoutError:
    print("silence")
PY
}
expect() {  # expect ANSWER FROM TO PORT [SECONDS]
  local wanted=$1 got
  shift
  got=$(attempt "$@") || fail "attempt $*"
  [ "$got" = "$wanted" ] || fail "from $1 to $2 port $3: $got, not $wanted"
}
refused_packets() { nft list chain inet hookfleet prerouting | sed -n 's/.*counter packets \([0-9]*\).*/\1/p'; }

cat >"$work/list.yaml" <<'YAML'
auth: {allowlist: {addresses: [192.0.2.2, "2001:db8::2"]}}
YAML
expect hello 192.0.2.3 192.0.2.1 80
nft add table inet other
firewall --config "$work/list.yaml" --reject | nft -f -
expect hello 192.0.2.2 192.0.2.1 80
expect refused 192.0.2.3 192.0.2.1 80
expect hello 192.0.2.3 192.0.2.1 22
if [ -n "$v6" ]; then
  expect hello 2001:db8::2 2001:db8::1 80
  expect refused 2001:db8::3 2001:db8::1 80
  expect hello 2001:db8::3 2001:db8::1 22
fi
# Loaded again with another list and silence for the others: the new one holds alone.
firewall --config "$work/list.yaml" --also 192.0.2.3 --port 80 | nft -f -
expect hello 192.0.2.3 192.0.2.1 80
firewall --config "$work/list.yaml" | nft -f -
expect silence 192.0.2.3 192.0.2.1 80 0.5
[ "$(refused_packets)" -gt 0 ] || fail "what was dropped isn't counted"
expect hello 192.0.2.2 192.0.2.1 80
# From this machine itself nothing changes, and removing it leaves other tables alone.
[ "$(/usr/bin/python3 -c 'import socket; print(socket.create_connection(("127.0.0.1", 80), 20).recv(16).decode())')" = hello ] || fail "not from this machine"
nft delete table inet hookfleet
expect hello 192.0.2.3 192.0.2.1 80
[ "$(nft list tables)" = "table inet other" ] || fail "tables: $(nft list tables)"
[ -n "$v6" ] || skip "no IPv6 here; IPv4 was as it should be"
echo passed
