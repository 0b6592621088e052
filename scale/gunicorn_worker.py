"""The gunicorn worker that serves Scale: says that it lives whatever its threads wait for, and has problems for its errors."""

from __future__ import annotations

import fcntl
import json
import re
import select
import socket
import struct
import termios
import time
from concurrent.futures import Future
from functools import partial
from http import HTTPStatus
from selectors import EVENT_READ
from typing import Any

from gunicorn.http import errors
from gunicorn.http.message import Request
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn, ThreadWorker

from scale.problem import MEDIA_TYPE, MISTAKE, problem_document

LONGEST_LINE = 65_536  #: bytes: addresses that name thousands of ids are long
PATIENCE = 20.0  #: seconds that a thread waits for somebody who neither goes on with a request nor takes the answer
SLOWEST = 10_000  #: bytes of a request that win it another second
_PROBES = (b"GET /healthz ", b"HEAD /healthz ")
_END = b"\r\n\r\n"
_TELLS_OF_A_BODY = re.compile(rb"\r\n(content-length|transfer-encoding)\b", re.IGNORECASE)
_LINGER = 5  # milliseconds


class _Stalled(TimeoutError):
    """What is read of a request does not come in time."""


class _TooSlow(errors.ParseException):  # type: ignore[misc]
    """The same, before or beside the application."""


_OURS = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)
#: what comes to nothing before the application sees it, and what would be right; the first kind that fits counts
_REFUSALS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], HTTPStatus, str], ...] = (
    (_OURS, HTTPStatus.INTERNAL_SERVER_ERROR, MISTAKE),
    (
        errors.LimitRequestLine,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        f"The request line is longer than {LONGEST_LINE} bytes; name less in the address, and ask several times.",
    ),
    (
        errors.LimitRequestHeaders,
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The headers are too large: send at most 100, of at most 8190 bytes each.",
    ),
    (errors.UnsupportedTransferCoding, HTTPStatus.NOT_IMPLEMENTED, "Send the body as it is, or chunked."),
    (_TooSlow, HTTPStatus.REQUEST_TIMEOUT, "The request did not come to its end in time; send it again, and faster."),
    (errors.ConfigurationProblem, HTTPStatus.NOT_FOUND, "There is nothing at this address."),  # it is beside SCRIPT_NAME
    (errors.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED, "Expect nothing, or 100-continue."),
    (errors.ParseException, HTTPStatus.BAD_REQUEST, "This is not a request as HTTP/1.1 (RFC 9112) has it: {exc}"),
    (Exception, HTTPStatus.INTERNAL_SERVER_ERROR, MISTAKE),
)


class _LongRequest(Request):  # type: ignore[misc]
    """A request whose first line may be longer than gunicorn has it, which knows only its own limit and none at all."""

    def parse(self, unreader: Any) -> Any:
        self.limit_request_line = self._fast_limit_request_line = LONGEST_LINE
        unreader.begin()
        try:
            return super().parse(unreader)
        except _Stalled as error:
            raise _TooSlow from error


class _Reader(SocketUnreader):  # type: ignore[misc]
    """Reads from the network, but waits for no request longer than `PATIENCE`, and for what has come of it."""

    def begin(self) -> None:
        """Another request begins."""
        self._left = PATIENCE

    def chunk(self, size_hint: int | None = None) -> bytes:
        began = time.monotonic()
        try:
            data = bytes(super().chunk(size_hint))
        except BlockingIOError:  # says a socket whose time is over
            raise _Stalled("The request did not go on in time.") from None
        self._left += len(data) / SLOWEST - (time.monotonic() - began)
        if self._left < 0:
            raise _Stalled("The request came too slowly.")
        return data


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's own with threads, but that a thread is asked only once there is something to do, and stays for what follows.

    Who asks for nothing but a sign of life is answered by the thread that accepts connections. It waits for nobody, so this
    goes on when all others wait for the database.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._busy = 0  # requests that are with a thread, or wait for one

    def enqueue_req(self, conn: TConn) -> None:
        """A connection is new, or there is something to be read of it."""
        head = _peek(conn.sock)
        if head is None and not conn.initialized:
            self._await(conn)
            return
        self._busy += 1
        if head is not None and head.startswith(_PROBES) and _can_be_answered_at_once(conn, head):
            conn.data_ready = True
            answered: Future[bool] = Future()
            answered.set_result(self._answer(conn))
            self.finish_request(conn, answered)
            return
        conn.data_ready = True
        super().enqueue_req(conn)

    def _await(self, conn: TConn) -> None:
        """Look after the connection until something comes."""
        conn.sock.setblocking(False)
        conn.set_timeout()
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def finish_request(self, conn: TConn, fs: Future[bool]) -> None:
        self._busy -= 1
        if fs.cancelled() or fs.exception() or fs.result():
            super().finish_request(conn, fs)
        else:
            self._part_with(conn)

    def _part_with(self, conn: TConn) -> None:
        """Close it once the other side has, or after a moment: at once, what it still sends would cost it the answer.

        gunicorn waits for that in the thread that accepts connections.
        """
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        conn.sock.setblocking(False)
        conn.set_timeout()
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self._hear_out, conn))

    def _hear_out(self, conn: TConn, sock: socket.socket) -> None:
        """Something comes after the answer, or the end."""
        try:
            said = sock.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:
            self.poller.unregister(sock)
            self.pending_conns.remove(conn)
            self.nr_conns -= 1
            conn.close()

    def handle(self, conn: TConn) -> bool:
        """Answer on this connection for as long as one request follows the other, if nobody else waits."""
        kept = self._answer(conn)
        while kept and self._goes_on(conn):
            kept = self._answer(conn)
        return kept

    def _answer(self, conn: TConn) -> bool:
        if not conn.initialized:
            conn.init()
            conn.parser.mesg_class, conn.parser.unreader = _LongRequest, _Reader(conn.sock)
            for limit in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                conn.sock.setsockopt(socket.SOL_SOCKET, limit, _as_timeval(PATIENCE))
        return bool(super().handle(conn))

    def handle_request(self, req: Any, conn: TConn) -> bool:
        try:
            return bool(super().handle_request(req, conn))
        except _Stalled as error:
            raise _TooSlow from error
        except BlockingIOError:
            self.log.debug("Nobody takes the answer to %s", req.uri)
            return False

    def _goes_on(self, conn: TConn) -> bool:
        """Whether the next request comes at once: to wait for it costs less than to hand the connection back and forth."""
        if not self.alive or self._busy >= self.cfg.threads - 1 or _has_read_ahead(conn):
            return False
        poll = select.poll()
        poll.register(conn.sock, select.POLLIN)
        return bool(poll.poll(_LINGER))

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what came to nothing before the application saw it."""
        status, detail = _refusal(exc)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.error("Error handling request %s", getattr(req, "uri", ""), exc_info=exc)
        else:
            self.log.warning("Invalid request from ip=%s: %s", addr[0] if addr else "", exc)
        try:
            client.settimeout(0)
            client.sendall(_as_bytes(status, detail, getattr(req, "path", None) or ""))
        except OSError as error:
            self.log.debug("The answer %s could not be sent: %s", status, error)


def _peek(sock: socket.socket) -> bytes | None:
    """What can be read, up to a few headers; None if nothing came yet, nothing at all if nothing will."""
    try:
        return sock.recv(2048, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _can_be_answered_at_once(conn: TConn, head: bytes) -> bool:
    """Whether neither to read nor to write can take long: there is one whole request, and all answers before it were taken."""
    is_whole = head.endswith(_END) and head.count(_END) == 1 and not _TELLS_OF_A_BODY.search(head)
    return (
        is_whole
        and not (conn.initialized and _has_read_ahead(conn))
        and fcntl.ioctl(conn.sock, termios.TIOCOUTQ, bytes(4)) == bytes(4)
    )


def _as_timeval(seconds: float) -> bytes:
    return struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))


def _has_read_ahead(conn: TConn) -> bool:
    return bool(conn.parser.unreader.buf.getvalue())


def _refusal(exc: Exception) -> tuple[HTTPStatus, str]:
    """The status, and what is wrong with the request or with us."""
    status, detail = next((status, detail) for kind, status, detail in _REFUSALS if isinstance(exc, kind))
    return status, detail.format(exc=str(exc)[:200])


def _as_bytes(status: HTTPStatus, detail: str, path: str) -> bytes:
    content = json.dumps(problem_document(path, status, detail)).encode()
    head = f"HTTP/1.1 {int(status)} {status.phrase}\r\nConnection: close\r\nContent-Type: {MEDIA_TYPE}\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
