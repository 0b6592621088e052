"""Whatever comes as a manifest or a configuration, there is a report and nothing is raised; the published schema agrees."""

from __future__ import annotations

import json
import math
from copy import deepcopy
from operator import itemgetter

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.seed import read_configuration, read_manifest, schema
from scale.seed.manifest import Interface, Manifest
from scale.seed.parts import rules
from tests.unit.seed import corpus
from tests.unit.seed.corpus import COMPLETE, CONFIGURED, GONE, LEAST, WORKSPACES, changed

SCHEMA = jsonschema.Draft202012Validator(schema())
INTERFACE = read_manifest(COMPLETE).value().interface
NAMES = sorted({rule.place[-1] for rule in rules(Manifest)} - {"*"})

texts = st.text(st.characters(codec=None, categories=None), max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | texts
    | st.just(10**400)
    | st.sampled_from(["1.0.0", "cpus", "/a", "*"])
)
garbage = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | texts, inner, max_size=5),
    max_leaves=25,
)


def places(raw, above=""):
    """Where something stands in a document."""
    yield above
    inside = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    for name, inner in inside:
        yield from places(inner, f"{above}/{name}")


def assert_is_told(raw, reading, value):
    report = reading.report
    assert report.is_valid == (value is not None)
    for finding in (*report.errors, *report.warnings):
        assert finding.wrong
        assert finding.right
        assert len(finding.message) < 1000
        json.dumps(finding.answer).encode()
        finding.answer["description"].encode()
        assert parent_is_there(raw, finding.pointer)


def parent_is_there(raw, pointer):
    """What is missing is pointed at where it should be; all else has to be there."""
    for part in pointer.split("/")[1:-1]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(raw, dict) and part not in raw:
            return part in {"interface", "output_workspaces", "settings", "mounts", "outputs"}  # left out, as it may be
        raw = raw[int(part) if isinstance(raw, list) else part]
    return True


@given(garbage)
def test_garbage_is_refused_as_a_manifest(raw):
    reading = read_manifest(raw)
    assert not reading.report.is_valid
    assert_is_told(raw, reading, reading.manifest)


@given(st.data(), garbage)
def test_a_manifest_with_garbage_in_it_is_read_or_refused(data, raw):
    where = data.draw(st.sampled_from(list(places(COMPLETE))))
    document = changed(COMPLETE, where, raw)
    reading = read_manifest(document)
    assert_is_told(document, reading, reading.manifest)
    if reading.manifest is not None:
        assert SCHEMA.is_valid(document)


@given(st.data())
def test_a_manifest_that_lacks_anything_is_read_or_refused(data):
    document = deepcopy(COMPLETE)
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.sampled_from(list(places(document))[1:]))
        document = changed(document, where, GONE)
        if not document:
            break
    reading = read_manifest(document)
    assert_is_told(document, reading, reading.manifest)
    assert SCHEMA.is_valid(document) or not reading.report.is_valid


@given(st.data(), garbage)
def test_a_configuration_with_garbage_in_it_is_read_or_refused(data, raw):
    where = data.draw(st.sampled_from(list(places(CONFIGURED))))
    document = changed(CONFIGURED, where, raw)
    reading = read_configuration(document, data.draw(st.sampled_from([INTERFACE, Interface(), None])), WORKSPACES)
    assert_is_told(document, reading, reading.configuration)


# --- made-up manifests that are right

words = st.from_regex(r"\A[a-zA-Z_][a-zA-Z0-9_-]{0,6}\Z")
flags = st.booleans()
types = st.sampled_from(["array", "boolean", "integer", "number", "object", "string"])
named = {"name": words, "required": flags}


def members(required, optional):
    return st.fixed_dictionaries(required, optional=optional)


def unique(items, *keys):
    return st.lists(items, max_size=3, unique_by=tuple(keys))


name_of = itemgetter("name")
file_inputs = members(named, {"mediaTypes": st.lists(st.just("image/tiff")), "multiple": flags, "partial": flags})
json_inputs = members({"name": words, "type": types}, {"required": flags})
file_outputs = members({"name": words, "pattern": st.just("*.x")}, {"multiple": flags})
mounts = members(
    {"name": st.from_regex(r"\A[a-z]{1,3}\Z"), "path": st.from_regex(r"\A/[a-z]{1,3}\Z")}, {"mode": st.sampled_from(["ro", "rw"])}
)
interfaces = members(
    {},
    {
        "command": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50),
        "inputs": members({}, {"files": unique(file_inputs, name_of), "json": unique(json_inputs, name_of)}),
        "outputs": members({}, {"files": unique(file_outputs, name_of)}),
        "mounts": unique(mounts, name_of, itemgetter("path")),
        "settings": unique(members({"name": words}, {"secret": flags}), name_of),
    },
)


@given(interfaces)
def test_a_made_up_manifest_is_refused_for_colliding_names_or_not_at_all(interface):
    document = changed(LEAST, "/job/interface", interface)
    reading = read_manifest(document)
    assert {finding.code for finding in reading.report.errors} <= {"NAME_COLLISION_ERROR"}
    assert SCHEMA.is_valid(document)
    assert_is_told(document, reading, reading.manifest)


# --- the schema

#: what JSON schema has no words for, or not the same
BEYOND = ("a\0", "\ud800", "\n", "x" * 131_072)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("document", [COMPLETE, LEAST], ids=["complete", "least"])
def test_the_schema_takes_what_is_right(document):
    assert SCHEMA.is_valid(document)


ROWS = [row for row in corpus.INVALID if row.code == corpus.BAD and not row.says.startswith("half")]
SAYABLE = [
    row
    for row in ROWS
    if not (isinstance(row.value, str) and any(word in row.value for word in BEYOND))
    and not (isinstance(row.value, float) and math.isnan(row.value))
]


@pytest.mark.parametrize("row", SAYABLE, ids=corpus.labels(SAYABLE))
def test_the_schema_refuses_what_is_not_of_its_shape(row):
    assert not SCHEMA.is_valid(changed(COMPLETE, row.where, row.value))
