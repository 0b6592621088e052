"""The reference says what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from scale.cli.reference import pages
from scale.environment import Environment

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


@pytest.mark.parametrize("name", ["environment.md", "cli.md"])
def test_the_page_is_as_the_code_is(name):
    assert (REFERENCE / name).read_text() == pages()[name], "run `make docs`"


def test_every_setting_is_explained():
    assert not [name for name, field in Environment.model_fields.items() if not field.description]
