"""What snmpd starts: joins its pipe to the unit's socket. `python -S -E relay.py SOCKET`; needs nothing but Python."""

import os
import socket
import sys
import threading

SIZE = 65536
PING, PONG = b"PING\n", b"PONG\n"


def main() -> None:
    """Copy both ways until either end closes."""
    unit = socket.socket(socket.AF_UNIX)
    unit.connect(sys.argv[1])
    threading.Thread(target=answers, args=(unit,), daemon=True).start()
    while asked := os.read(0, SIZE):
        if asked == PING:  # before each object snmpd asks whether anybody is there, and waits
            os.write(1, PONG)
        else:
            unit.sendall(asked)


def answers(unit: socket.socket) -> None:
    """Unit to snmpd; the end of one is the end of both."""
    while told := unit.recv(SIZE):
        os.write(1, told)
    os._exit(0)


main()
