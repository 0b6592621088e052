"""Gives bodies that come in chunks a length, without which Django takes them for empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from scale.account.parsers import MAX_BODY

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def whole_bodies(application: Application) -> Application:
    """The same application; of a body without a length it gets no more than one byte over what any request may have."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH"):
            body = environ["wsgi.input"].read(MAX_BODY + 1)
            environ["wsgi.input"] = BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return application(environ, start_response)

    return serve
