"""The page about Seed manifests says what the code says, and its examples are right."""

from __future__ import annotations

import json
import re
from pathlib import Path

from scale.cli import seed_page
from scale.seed import read_configuration, read_manifest
from scale.seed.document import MOST_CHARACTERS, MOST_VALUES
from scale.seed.names import SET_BY_SCALE

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
PAGE = (REFERENCE / "seed-manifest.md").read_text()
MANIFEST, CONFIGURATION = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))


def test_the_tables_are_as_the_code_says():
    assert seed_page.with_tables(PAGE) == PAGE, "run `make docs`"
    assert PAGE.count("made by `make docs`") == 4


def test_the_schema_is_as_the_code_says():
    assert (REFERENCE / "seed-manifest.schema.json").read_text() == seed_page.schema_file(), "run `make docs`"


def test_the_examples_are_right_and_nothing_is_said_of_them():
    manifest = read_manifest(MANIFEST)
    assert manifest.report.answer == {"is_valid": True, "errors": [], "warnings": []}
    configuration = read_configuration(CONFIGURATION, manifest.value().interface, {"products": True})
    assert configuration.report.answer == {"is_valid": True, "errors": [], "warnings": []}


def test_the_page_comes_to_what_the_code_comes_to():
    manifest = read_manifest(MANIFEST).value()
    assert f"mem {manifest.resources(100)['mem']:g}." in PAGE
    assert f"`{manifest.image}`" in PAGE
    assert all(f"`{name}`" in PAGE for name in SET_BY_SCALE)
    assert f"at most {MOST_VALUES:,} values and {MOST_CHARACTERS:,} characters" in PAGE
