"""The only mapping of errors to HTTP: every one becomes a problem document (RFC 9457), never a page or a bare string."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import BadRequest as DjangoBadRequest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.views import defaults
from rest_framework.exceptions import APIException
from rest_framework.views import set_rollback

from scale.database import is_passing
from scale.kernel.errors import BadRequest, ClusterTrouble, Conflict, Forbidden, Invalid, NotFound
from scale.problem import MEDIA_TYPE, MISTAKE, problem_document

log = logging.getLogger(__name__)

RETRY_AFTER = "5"

#: the first kind that fits counts
STATUSES: Sequence[tuple[type[Exception], HTTPStatus]] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (Conflict, HTTPStatus.CONFLICT),
    (BadRequest, HTTPStatus.BAD_REQUEST),
    (ClusterTrouble, HTTPStatus.SERVICE_UNAVAILABLE),
    (Http404, HTTPStatus.NOT_FOUND),
    (PermissionDenied, HTTPStatus.FORBIDDEN),
    (RequestDataTooBig, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (SuspiciousOperation, HTTPStatus.BAD_REQUEST),
    (DjangoBadRequest, HTTPStatus.BAD_REQUEST),
    (MultiPartParserError, HTTPStatus.BAD_REQUEST),
    (UnreadablePostError, HTTPStatus.BAD_REQUEST),
    (OperationalError, HTTPStatus.SERVICE_UNAVAILABLE),
    (InterfaceError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def problem_response(exc: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Answer for an exception that a view raised; None for one that nobody foresaw, which ends in `server_error`."""
    status = _status(exc)
    if status is None:
        return None
    set_rollback()
    answer = problem(context["request"].path, status, _detail(exc), exc.told if isinstance(exc, Invalid) else ())
    for name, value in _headers(exc, status).items():
        answer[name] = value
    return answer


def problem(path: str, status: int, detail: str, faults: Sequence[Mapping[str, str]] = ()) -> JsonResponse:
    """A problem document as an answer."""
    answer = JsonResponse(problem_document(path, status, detail, faults), status=status, content_type=MEDIA_TYPE)
    # Django would log each as an error of ours
    answer._has_been_logged = status == HTTPStatus.SERVICE_UNAVAILABLE  # type: ignore[attr-defined]
    return answer


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if _is_for_people(request):
        return defaults.page_not_found(request, exception)
    return problem(request.path, HTTPStatus.NOT_FOUND, "There is nothing at this address.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    status = _status(exception) or HTTPStatus.BAD_REQUEST
    return problem(request.path, status, "This request cannot be read.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if _is_for_people(request):
        return defaults.permission_denied(request, exception)
    return problem(request.path, HTTPStatus.FORBIDDEN, "You may not do this.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    return problem(request.path, HTTPStatus.FORBIDDEN, f"This request does not come from one of our pages: {reason}")


def server_error(request: HttpRequest) -> HttpResponseBase:
    return problem(request.path, HTTPStatus.INTERNAL_SERVER_ERROR, MISTAKE)


def _is_for_people(request: HttpRequest) -> bool:
    return request.path.startswith("/admin/")


def _status(exc: Exception) -> HTTPStatus | None:
    if isinstance(exc, APIException):
        return HTTPStatus(exc.status_code)
    if isinstance(exc, DatabaseError) and is_passing(exc):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return next((status for kind, status in STATUSES if isinstance(exc, kind)), None)


def _detail(exc: Exception) -> str:
    if isinstance(exc, APIException):
        return str(exc.detail)
    if isinstance(exc, DatabaseError | InterfaceError):
        log.warning("The database did not answer: %s", exc)
        return "The database did not answer; try again."
    return str(exc) or "There is nothing at this address."


def _headers(exc: Exception, status: HTTPStatus) -> dict[str, str]:
    """What DRF's own handler adds, and when to come again."""
    headers = {"WWW-Authenticate": getattr(exc, "auth_header", None), "Retry-After": getattr(exc, "wait", None)}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = RETRY_AFTER
    return {name: str(value) for name, value in headers.items() if value}
