"""What comes from outside becomes a value, or faults with the field named."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import ConfigDict, Field

from scale.kernel.errors import Invalid
from scale.kernel.reading import Body, Change, Text, never_null, read, read_change, shown


class Inner(Body):
    cpus: float = 1


class Order(Body):
    name: Text
    inner: Inner = Field(default_factory=Inner)
    count: int = Field(1, ge=1)


class Orders(Body):
    orders: list[Order] | None = None
    best: Inner | None = None


class Labeled(Body):
    labels: dict[Annotated[str, Field(min_length=1, max_length=3)], int] = {}


class Adjustment(Change):
    is_paused: bool = False
    note: Text | None = None


def faults_of(raw, model=Order):
    with pytest.raises(Invalid) as refused:
        read(model, raw)
    return {fault.field: fault.message for fault in refused.value.faults}


def test_what_keeps_the_rules_becomes_a_value():
    assert read(Order, {"name": "n", "inner": {"cpus": 2.5}}) == Order(name="n", inner=Inner(cpus=2.5))


def test_every_fault_is_told_with_its_field():
    assert faults_of({"count": 0, "inner": {"cpus": "2"}}).keys() == {"name", "count", "inner.cpus"}
    assert faults_of({})["name"] == "is required"


@pytest.mark.parametrize("raw", [None, [], "x", 7])
def test_what_is_no_object_is_told_so(raw):
    assert faults_of(raw) == {"": "expected a JSON object"}


def test_an_unknown_field_is_met_with_the_one_that_was_meant():
    assert faults_of({"name": "n", "cuont": 1}) == {"cuont": "is not known; did you mean count?"}
    assert faults_of({"name": "n", "inner": {"cpu": 1}}) == {"inner.cpu": "is not known; did you mean cpus?"}
    assert faults_of({"name": "n", "zzzzzz": 1})["zzzzzz"] == "is not known; known are: name, inner, count"


def test_an_unknown_field_in_a_list_or_where_nothing_may_stand_is_met_alike():
    raw = {"orders": [{"name": "n"}, {"name": "n", "inner": {"cpu": 1}}], "best": {"cpu": 1}}
    meant = "is not known; did you mean cpus?"
    assert faults_of(raw, Orders) == {"orders.1.inner.cpu": meant, "best.cpu": meant}


@pytest.mark.parametrize("amount", [float("nan"), float("inf")])
def test_what_is_not_finite_is_refused(amount):
    assert list(faults_of({"name": "n", "inner": {"cpus": amount}})) == ["inner.cpus"]


def test_text_that_nothing_can_take_is_refused():
    assert faults_of({"name": "a\0b"}) == {"name": "holds a NUL byte"}
    assert "lone surrogate" in faults_of({"name": "\ud800"})["name"]


def test_a_fault_of_a_free_name_is_told_with_the_object_that_holds_it():
    assert faults_of({"labels": {"": 1}}, Labeled) == {"labels": "the name '': may not be empty"}
    assert faults_of({"labels": {"long": 1}}, Labeled)["labels"].startswith("the name 'long': String should have at most 3")


def test_a_hundred_faults_are_enough():
    assert len(faults_of({"name": "n", **{f"x{number}": 1 for number in range(500)}})) == 100


def test_a_change_states_only_what_it_states():
    assert read_change(Adjustment, {"note": None}) == {"note": None}
    assert read_change(Adjustment, {"is_paused": False}) == {"is_paused": False}


def test_a_change_of_nothing_is_refused():
    with pytest.raises(Invalid, match="is_paused, note"):
        read_change(Adjustment, {})


def test_a_strangers_text_is_shown_short_and_printable():
    assert shown("abc") == "abc"
    assert shown("x" * 500) == "x" * 100 + "…"
    assert shown("\ud800") == "\\ud800"


def test_a_schema_can_say_that_nothing_is_null():
    class Choice(Body):
        model_config = ConfigDict(json_schema_extra=never_null)

        age: int | None = None
        name: str | list[str] | None = None
        is_ripe: bool = False

    fields = Choice.model_json_schema()["properties"]
    assert fields["age"] == {"title": "Age", "type": "integer"}
    assert fields["name"]["anyOf"] == [{"type": "string"}, {"items": {"type": "string"}, "type": "array"}]
    assert fields["is_ripe"] == {"default": False, "title": "Is Ripe", "type": "boolean"}


def test_the_schema_of_a_change_has_no_defaults_that_a_client_would_send():
    schema = Adjustment.model_json_schema()
    assert schema["properties"]["is_paused"] == {"title": "Is Paused", "type": "boolean"}
    assert schema["minProperties"] == 1
