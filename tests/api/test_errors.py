"""The errors over REST."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.error.catalog import BUILTIN_ERRORS
from scale.error.models import Error
from tests.api.answers import fields_at_fault, words
from tests.conftest import NOW


def test_every_builtin_error_is_there(alice):
    page = alice.get("errors/?is_builtin=true").json()
    assert page["count"] == len(BUILTIN_ERRORS)
    assert set(page["results"][0]) == words(
        "id name title description job_type_name category is_builtin should_be_retried created last_modified"
    )


def test_each_filter_narrows_the_list(alice, clock):
    times = {"created": clock.now(), "last_modified": clock.now()}
    own = Error.objects.create(name="bad-input", job_type_name="mine", category="DATA", **times)

    def names(query):
        return [error["name"] for error in alice.get(f"errors/?{query}").json()["results"]]

    assert (
        names("job_type_name=mine") == names("category=DATA") == names("is_builtin=f") == names("name=bad-input") == ["bad-input"]
    )
    assert names("order=-name")[0] == "working-directory"
    assert alice.get(f"errors/{own.pk}/").json()["name"] == "bad-input"


@pytest.mark.parametrize(("query", "field"), [("category=MINE", "category"), ("order=x", "order"), ("name=%00", "name")])
def test_a_parameter_that_cannot_be_used_is_named(alice, query, field):
    assert fields_at_fault(alice.get(f"errors/?{query}")) == [field]


def test_a_stranger_is_not_found(alice):
    assert alice.get("errors/999999/").status_code == 404


def test_a_list_of_errors_knows_when_they_changed(alice, clock):
    Error.objects.create(name="old", job_type_name="mine", created=NOW, last_modified=NOW)
    clock.move(timedelta(days=1))

    def names(query):
        return [error["name"] for error in alice.get(f"errors/?job_type_name=mine&{query}").json()["results"]]

    assert names("started=P1D") == names("ended=P1D") == ["old"]
    assert names("started=PT23H") == names("ended=P2D") == []
    assert fields_at_fault(alice.get("errors/?started=2026-01-31T12:00:00")) == ["started"]
