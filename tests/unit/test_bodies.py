"""A body that comes in chunks is read like any other."""

from __future__ import annotations

from io import BytesIO

from scale.account.parsers import MAX_BODY
from scale.bodies import whole_bodies


def served(environ):
    """What the application behind sees."""
    seen = {}

    def application(environ, start_response):
        seen.update(environ)
        return []

    whole_bodies(application)(environ, lambda *_: None)
    return seen


def test_a_body_in_chunks_gets_its_length():
    seen = served({"wsgi.input": BytesIO(b"{}"), "wsgi.input_terminated": True})
    assert (seen["CONTENT_LENGTH"], seen["wsgi.input"].read()) == ("2", b"{}")


def test_a_body_with_a_length_is_left_alone():
    body = BytesIO(b"{}")
    assert served({"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": "2"})["wsgi.input"] is body


def test_of_an_endless_body_no_more_is_read_than_shows_that_it_is_too_large():
    seen = served({"wsgi.input": BytesIO(b" " * (MAX_BODY + 9)), "wsgi.input_terminated": True})
    assert seen["CONTENT_LENGTH"] == str(MAX_BODY + 1)
