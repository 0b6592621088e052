"""The name of a submission, and what it stands for."""

from __future__ import annotations

import pytest

from scale.job.once.key import key_of
from scale.kernel.errors import Invalid


def test_the_same_body_has_the_same_digest_however_it_is_ordered():
    assert key_of("k", "jobs", {"a": 1, "b": {"c": 2, "d": 3}}, "s") == key_of("k", "jobs", {"b": {"d": 3, "c": 2}, "a": 1}, "s")


def test_another_body_or_address_has_another_one():
    digests = {key_of("k", what, body, "s").digest for what in ("jobs", "job-bulk") for body in ({"a": 1}, {"a": 2}, {})}
    assert len(digests) == 6


def test_without_a_header_there_is_no_key():
    assert key_of(None, "jobs", {}, "s") is None


@pytest.mark.parametrize("wrong", ["", "x" * 256, "a\tb", "a\0b", "a\x7fb"])
def test_what_is_no_name_is_refused(wrong):
    with pytest.raises(Invalid, match="Idempotency-Key"):
        key_of(wrong, "jobs", {}, "s")


def test_nobody_finds_out_what_was_in_the_body_without_the_secret():
    assert key_of("k", "jobs", {"a": 1}, "one").digest != key_of("k", "jobs", {"a": 1}, "another").digest
