"""The page of every operation is as the schema is."""

from __future__ import annotations

from pathlib import Path

from drf_spectacular.generators import SchemaGenerator

from scale.cli.rest_examples import examples
from scale.cli.rest_reference import page

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference" / "api.md"


def test_the_page_is_as_the_schema_is():
    made = page(SchemaGenerator().get_schema(request=None, public=True), examples(DOCS))
    assert PAGE.read_text() == made, "run `make docs`"


def test_every_operation_tells_its_answers():
    made = page(SchemaGenerator().get_schema(request=None, public=True), examples(DOCS))
    assert made.count("\n## ") == made.count("\nAnswers: ") > 20
    assert "| `resources.cpus`" not in made
    assert "| `command` | string or list of string | required" in made
