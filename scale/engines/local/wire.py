"""What the engine and its keeper say to each other: JSON values, one a line, and the words in them.

The words repeat those of `scale.engines.protocol`, which is too heavy for the keeper to import; a test compares them.
From the engine: hello, launch, kill, withdraw, reconcile, ack, stop. From the keeper: hello, reports, held, displaced, refused.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

STAGING, RUNNING, FINISHED = "TASK_STAGING", "TASK_RUNNING", "TASK_FINISHED"
FAILED, KILLED, LOST = "TASK_FAILED", "TASK_KILLED", "TASK_LOST"

COMMAND_NOT_FOUND = "REASON_COMMAND_NOT_FOUND"
COMMAND_NOT_EXECUTABLE = "REASON_COMMAND_NOT_EXECUTABLE"
WORKING_DIRECTORY = "REASON_WORKING_DIRECTORY"
LAUNCH_FAILED = "REASON_LAUNCH_FAILED"
OUT_OF_MEMORY = "REASON_OUT_OF_MEMORY"
EXIT_UNSEEN = "REASON_EXIT_UNSEEN"
UNKNOWN_TASK = "REASON_UNKNOWN_TASK"
WITHDRAWN = "REASON_WITHDRAWN"


def _encoder() -> Callable[[object, int], Iterable[str]]:
    """What `json.dumps` makes for every call, which costs more than what we mostly have to say."""
    plain = json.JSONEncoder(separators=(",", ":"))
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return lambda value, _: plain.iterencode(value)
    return make(None, plain.default, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, True)  # type: ignore[no-any-return]


_encoded = _encoder()


def line(value: object) -> bytes:
    """One value as a line of ASCII; lone surrogates pass through as escapes."""
    return "".join(_encoded(value, 0)).encode("ascii") + b"\n"


class Lines:
    """Puts values together from bytes as they come in."""

    def __init__(self, read: Callable[[bytearray], Any] = json.loads) -> None:
        self._rest = bytearray()
        self._read = read

    def feed(self, data: bytes) -> list[Any]:
        """The values that are complete now.

        :raises ValueError: a line is no JSON
        """
        self._rest += data
        if b"\n" not in data:
            return []
        whole, _, rest = self._rest.rpartition(b"\n")
        self._rest = rest
        return [self._read(each) for each in whole.split(b"\n") if each]
