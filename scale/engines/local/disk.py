"""What a full disk means to the keeper: what to do waits until there is room, and no file is left half written."""

from __future__ import annotations

import contextlib
import errno
import os

AGAIN = 1.0  # seconds until we try again what the disk had no room for

_FULL = (errno.ENOSPC, errno.EDQUOT)


class DiskFull(Exception):
    """There is no room on the disk now; nothing was done."""


def is_full(error: OSError) -> bool:
    return error.errno in _FULL


def no_room() -> OSError:
    """For a write that was cut short."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def replace(path: str, data: bytes) -> None:
    """Write a small file anew, all of it or nothing.

    :raises OSError: the file is as it was
    """
    fresh = path + ".new"
    try:
        _write(fresh, data)
        os.replace(fresh, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise


def _write(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        while data:
            data = data[os.write(fd, data) :]
    finally:
        os.close(fd)
