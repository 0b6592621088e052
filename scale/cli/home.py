"""The data directory as `scale up` keeps it: whose it is, who uses it now, and the secrets in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from scale.kernel.errors import BadRequest


class CannotStart(BadRequest):
    """Something of this machine is in the way."""


def make_home(home: Path) -> None:
    """Make the directory, for its owner only; one that is there already stays as open as it is."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "logs").mkdir(exist_ok=True)
    except OSError as error:
        raise CannotStart(f"SCALE_HOME {home} cannot be used: {error.strerror}") from None
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        raise CannotStart(f"SCALE_HOME {home} cannot be used: it is not yours to write to")


@contextlib.contextmanager
def sole_use(home: Path) -> Iterator[None]:
    """Hold the directory against a second `scale up`; the kernel lets go of it, however we end."""
    with open(os.open(home / "up.lock", os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"scale up already runs in {home}, as process {lock.read().strip() or 'unknown'}") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def write_private(path: Path, text: str) -> None:
    """Put text into a file that only its owner may read; a reader sees the old text or the new, never half."""
    new = path.with_name(path.name + ".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def private(path: str, flags: int) -> int:
    """An opener of files that only their owner may read."""
    return os.open(path, flags, 0o600)


def ensure_private_database(home: Path) -> None:
    """The embedded database holds tokens; what SQLite makes beside it gets the rights of this file."""
    with open(home / "scale.sqlite3", "ab", opener=private):
        pass


def ensure_key(path: Path) -> None:
    """What is signed or sealed with the key stays so from start to start."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(48))
