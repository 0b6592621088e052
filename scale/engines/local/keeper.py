"""The keeper's first steps: take the home's lock, open the socket, leave a guardian behind; run as a script.

Its working directory is home/keeper. It knows nothing of the scheduler that starts it, and shares neither session nor
process group with it, so it outlives it. When this script has ended with status 0, the socket can be connected to, and
stays so until the keeper goes: the guardian holds it open from one runner to the next.
"""

from __future__ import annotations

import fcntl
import os
import socket
import sys

if __name__ == "__main__":
    sys.path.insert(0, os.path.abspath(__file__ + "/../../../.."))

from scale.engines.local import disk, places
from scale.engines.local.guardian import guard
from scale.engines.local.runner import Runner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TAKEN = 3  #: exit status: another keeper has this home


def main() -> int:
    lock = os.open(places.LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write("another keeper has this home\n")
        return TAKEN
    listener = _listen()
    keeper_id = _identity()
    if os.fork():
        return 0
    os.setsid()
    _call_ourselves("scale-keeper")
    guardian = os.getpid()

    def run(notes: int, orphans: list[dict[str, Any]]) -> int:
        _call_ourselves("scale-runner")
        return Runner(listener, notes, keeper_id, guardian).run(orphans)

    return guard(run)  # the lock is held until the last of us is gone


def _listen() -> socket.socket:
    if os.path.lexists(places.SOCKET):  # of a keeper that was killed: we have its lock
        os.unlink(places.SOCKET)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(places.SOCKET)
    os.chmod(places.SOCKET, 0o600)
    listener.listen()
    listener.setblocking(False)
    return listener


def _identity() -> str:
    """What marks the processes of this home, for ever the same."""
    try:
        with open(places.ID, encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        fresh = os.urandom(4).hex()
        disk.replace(places.ID, fresh.encode())
        return fresh


def _call_ourselves(name: str) -> None:
    """As what we are seen in a list of processes."""
    with open("/proc/self/comm", "w", encoding="ascii") as file:
        file.write(name)


if __name__ == "__main__":
    sys.exit(main())
