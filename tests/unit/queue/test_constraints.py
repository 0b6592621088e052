"""What a job asks of nodes: as text, as JSON, and what a node's value must be like."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.kernel.attributes import MAX_NUMBER, MAX_TEXT
from scale.queue.constraints import (
    MAX_VALUES,
    Constraint,
    Constraints,
    Op,
    Strategy,
    constraints_of,
    document_of,
    key_of,
    parse_constraint,
    read_constraint,
)

NAMES = st.from_regex(r"[A-Za-z0-9_.-]{1,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=MAX_TEXT)
NUMBERS = st.integers(-int(MAX_NUMBER), int(MAX_NUMBER)) | st.floats(-MAX_NUMBER, MAX_NUMBER)
VALUES = TEXTS | NUMBERS | st.booleans() | st.sampled_from(["true", "12", "1e3", ".5", " a", "a ", "", "a,b", '"', "\\", "=a"])
COMPARISONS = [op for op in Op if Constraint("a", op).is_comparison]


@st.composite
def constraints(draw):
    op = draw(st.sampled_from(list(Op)))
    raw = {"attribute": draw(NAMES), "op": op.value}
    if op in COMPARISONS:
        raw["value"] = draw(NUMBERS)
    elif op in (Op.IN, Op.NOT_IN):
        raw["value"] = draw(st.lists(VALUES, min_size=1, max_size=5))
    elif op is not Op.EXISTS:
        raw["value"] = draw(VALUES)
    return read_constraint(raw)


@given(constraints())
def test_what_is_written_reads_as_the_same(one):
    assert str(parse_constraint(str(one))) == str(one)
    assert str(read_constraint(json.loads(json.dumps(one.document)))) == str(one)


@pytest.mark.parametrize(
    ("text", "attribute", "op", "values"),
    [
        ("disk=ssd", "disk", "=", ("ssd",)),
        (" disk = fast ssd ", "disk", "=", ("fast ssd",)),
        ("gpu!=k80", "gpu", "!=", ("k80",)),
        ("mem_gb>64", "mem_gb", ">", (64,)),
        ("mem_gb >= 64.0", "mem_gb", ">=", (64,)),
        ("a<-.5", "a", "<", (-0.5,)),
        ("a<=1e3", "a", "<=", (1000,)),
        ("rack in b, a,b", "rack", "in", ("a", "b")),
        ('rack  not\tin "a,b",c', "rack", "not in", ("a,b", "c")),
        ("in in in", "in", "in", ("in",)),
        ("gpu exists", "gpu", "exists", ()),
        ("new=true", "new", "=", (True,)),
        ('new="true"', "new", "=", ("true",)),
        ("rack=12", "rack", "=", (12,)),
        ('rack="12"', "rack", "=", ("12",)),
        ("ver=1.10", "ver", "=", ("1.10",)),
        ("id=007", "id", "=", ("007",)),
        ("id=+7", "id", "=", ("+7",)),
        ("id=1e3", "id", "=", ("1e3",)),
        ("id=9e99", "id", "=", ("9e99",)),
        ("id=-1.5", "id", "=", (-1.5,)),
        ("mem>64.0", "mem", ">", (64,)),
    ],
)
def test_a_text_says_what_a_person_means(text, attribute, op, values):
    one = parse_constraint(text)
    assert (one.attribute, one.op, one.values) == (attribute, op, values)
    assert [type(value) for value in one.values] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("", "is no constraint; write"),
        ("disk", "is no constraint; write"),
        ("disk is ssd", "is no constraint; write"),
        ("rack ina", "is no constraint; write"),
        ("disk=", "a value is missing after ="),
        ("rack in", "a value is missing after in"),
        ("gpu exists now", "exists takes no value"),
        ("rack=a,b", "write `in`"),
        ("rack in a,", "'': expected a value"),
        ("rack in a,,b", "',b': expected a value"),
        ('disk="ssd', "expected a value, in double quotes"),
        ('disk="ssd"x', "expected a value, in double quotes"),
        (r'disk="\q"', "expected a text as JSON writes it"),
        ("disk==ssd", "begins with an operator"),
        ("mem>lots", "> compares numbers, and lots is none"),
        ("mem>true", "> compares numbers, and true is none"),
        ("mem>9e99", "may not be beyond 1e+15"),
        ("größe=1", "an attribute is named by"),
        (f"a={'x' * 251}", "250 characters at most"),
        (f"a in {','.join(map(str, range(101)))}", "expected 1 to 100 values, not 101"),
        (None, 'expected text such as "disk=ssd"'),
        ({"attribute": "a"}, "op: expected one of: =, !=, <"),
        ({"attribute": "a", "op": ["="], "value": 1}, "op: expected one of"),
        ({"attribute": "a", "op": "="}, "value: is required"),
        ({"attribute": "a", "op": "=", "value": 1, "x": 1}, "x is not known; known are: attribute, op, value"),
        ({"attribute": "a", "op": "=", "value": [1]}, "value: = takes one, no list"),
        ({"attribute": "a", "op": "in", "value": 1}, "value: expected a list of values for in"),
        ({"attribute": "a", "op": "in", "value": []}, "value: expected 1 to 100 values, not 0"),
        ({"attribute": "a", "op": "exists", "value": None}, "value: exists takes none"),
        ({"attribute": "a", "op": "=", "value": None}, "expected text, a number, true or false"),
        ({"attribute": "a", "op": "=", "value": "\0"}, "no control characters"),
        ({"attribute": 7, "op": "=", "value": 1}, "an attribute is named by"),
        ({"op": "exists"}, "an attribute is named by"),
        ({"attribute": "a", "op": "<", "value": "one"}, "< compares numbers"),
    ],
)
def test_every_fault_says_what_is_wrong(raw, says):
    with pytest.raises(ValueError) as refused:  # noqa: PT011 the words are looked at
        read_constraint(raw)
    assert says in str(refused.value)


@given(st.text(max_size=30) | st.from_regex(r"[\w ]{0,3}(=|!=|in|not in|exists|<)[\"\w, \\]{0,9}"))
def test_any_text_is_read_or_refused(text):
    try:
        one = parse_constraint(text)
    except ValueError:
        return
    assert str(parse_constraint(str(one))) == str(one)


@pytest.mark.parametrize(
    ("text", "accepted", "refused"),
    [
        ("disk=ssd", ["ssd"], ["SSD", "hdd", 1, True, None]),
        ("a=1", [1, 1.0, "1"], ["1.0", "01", True, 2, None]),
        ("a=1.0", ["1.0"], [1, 1.0, "1", None]),
        ("ver=1.10", ["1.10"], [1.1, "1.1", None]),
        ("ver!=1.10", [1.1, "1.1", None], ["1.10"]),
        ("ver in 1.1,1.10", [1.1, "1.1", "1.10"], ["1.100", None]),
        ("a=true", [True, "true"], [1, False, None]),
        ("disk!=ssd", ["hdd", 1, True, None], ["ssd"]),
        ("rack in a,1", ["a", 1, "1"], ["b", None]),
        ("rack not in a,1", ["b", None], ["a", 1, "1"]),
        ("mem>64", [64.5, 100, "100", "64.10"], [64, -1, "64.0", "more", True, None]),
        ("mem>64.0", [64.5, "64.5"], [64, "64.00", None]),
        ('mem>"64"', [100], [64, None]),
        ("mem>=64", [64], [63.9, None]),
        ("mem<64", [63, "1"], [64, False, None]),
        ("mem<=64", [64, 1], [65, None]),
        ("gpu exists", ["", 0, False], [None]),
    ],
)
def test_values_are_equal_as_they_are_written_and_compare_as_numbers(text, accepted, refused):
    one = parse_constraint(text)
    assert [value for value in (*accepted, *refused) if one.accepts(value)] == accepted


def test_who_asks_nothing_keeps_nothing():
    assert document_of() is None


def test_the_same_wishes_have_the_same_document_and_key():
    first, second, third = map(parse_constraint, ("a=1", "b in x,y", "b in y,x"))
    one = document_of([second, first, third], ["n2", "n1", "n2"], ["n3"], Strategy.SPREAD)
    other = document_of(
        [read_constraint({"attribute": "a", "op": "=", "value": 1.0}), third], ["n1", "n2"], ["n3"], Strategy.SPREAD
    )
    assert one == other
    assert key_of(one) == key_of(json.loads(json.dumps(one)))
    assert len(key_of(one)) == 32
    assert [constraint["attribute"] for constraint in one["constraints"]] == ["a", "b"]


def test_true_and_1_are_two_wishes():
    wishes = [parse_constraint("a=true"), parse_constraint("a=1")]
    assert len(document_of(wishes)["constraints"]) == 2
    assert key_of(document_of(wishes[:1])) != key_of(document_of(wishes[1:]))


def test_hosts_are_constraints_too():
    constraints = constraints_of(document_of([parse_constraint("gpu exists")], ["n1", "n2"], ["n3"], Strategy.PACK))
    assert str(constraints) == "gpu exists and hostname in n1,n2 and hostname not in n3"
    assert constraints.strategy is Strategy.PACK
    assert constraints_of({"hosts": ["n1"]}) == Constraints((Constraint("hostname", Op.IN, ("n1",)),))


def test_the_limits_are_those_that_are_told():
    assert len(parse_constraint(f"a in {','.join(map(str, range(MAX_VALUES)))}").values) == MAX_VALUES
