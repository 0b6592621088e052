"""Answers before the framework what is asked most often: whether the process lives, and what the status of the cluster is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import Error, close_old_connections
from django.http.request import split_domain_port, validate_host
from rest_framework.exceptions import AuthenticationFailed

from scale.account.authentication import tokens
from scale.bodies import Application
from scale.exceptions import problem_response
from scale.kernel.errors import ClusterTrouble
from scale.present import clock
from scale.remembered import Remembered
from scale.scheduler.selectors import status_etag
from scale.scheduler.serving import Answer, status_answer

Environ = dict[str, Any]

_ALIVE = Answer(HTTPStatus.OK, {"Content-Type": "application/json"}, b'{"status":"ok"}')


def plainly(application: Application) -> Application:
    """The same application, which is asked for everything but a few addresses, and for whatever is unusual about those."""

    def serve(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        view = _VIEWS.get(environ["PATH_INFO"]) if environ["REQUEST_METHOD"] == "GET" and _is_for_us(environ) else None
        answer = view(environ) if view else None
        if answer is None:
            return application(environ, start_response)
        status, headers, content = answer
        length = {} if status == HTTPStatus.NOT_MODIFIED else {"Content-Length": str(len(content))}
        start_response(
            f"{status.value} {status.phrase}", [*headers.items(), *length.items(), ("X-Content-Type-Options", "nosniff")]
        )
        return (content,)

    return serve


def _is_for_us(environ: Environ) -> bool:
    return validate_host(split_domain_port(environ.get("HTTP_HOST", ""))[0], settings.ALLOWED_HOSTS)


def _health(_environ: Environ) -> Answer | None:
    return _ALIVE


def _status(environ: Environ) -> Answer | None:
    """For who has a token; others are told by the framework who they are, or what is missing."""
    scheme, _, key = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme != "Token":
        return None
    try:
        tokens.get(key)
        etag = etags.get("")
        encodings, known = environ.get("HTTP_ACCEPT_ENCODING", ""), environ.get("HTTP_IF_NONE_MATCH", "")
        return status_answer(etag, encodings=encodings, known=known)
    except AuthenticationFailed:
        return None
    except (ClusterTrouble, Error) as error:  # to ask again would take as long again
        close_old_connections()  # else whoever comes next would be told by one that is broken, for ever
        return _trouble(environ, error)


def _trouble(environ: Environ, error: Exception) -> Answer | None:
    told = problem_response(error, {"request": WSGIRequest(environ)})
    return None if told is None else Answer(HTTPStatus(told.status_code), dict(told.items()), told.content)


#: a status is two seconds old when the next one comes: a twentieth of that more, and many who ask cost the database nothing
etags: Remembered[str, str] = Remembered(lambda _: status_etag(clock().now()), life=0.1)
_VIEWS: dict[str, Callable[[Environ], Answer | None]] = {"/healthz": _health, "/api/v7/status/": _status}
