# What the script tests share; to be sourced.

step() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }
copy_of_fleet() {  # copy_of_fleet FOLDER: ./fleet, and what it needs beside finished programs, into a new folder
  mkdir -p "$1/deploy"
  cp -r fleet nginx "$1/"
  cp -r deploy/fleet deploy/packages.txt deploy/redis.conf deploy/hookfleet.yaml "$1/deploy/"
}
within() {  # within SECONDS COMMAND…: tries until it succeeds
  local until=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < until)) || return 1
    sleep 0.2
  done
}
free_ports() {  # free_ports N: so many free ports of 127.0.0.1, one a line; none that the kernel gives to outgoing connections
  /usr/bin/python3 - "$1" <<'PYTHON'
import random, socket, sys
held = []
while len(held) < int(sys.argv[1]):
    one = socket.socket()
    try:
        one.bind(("127.0.0.1", random.randint(10000, 32767)))
    except OSError:
        continue
    held.append(one)
    print(one.getsockname()[1])
PYTHON
}
