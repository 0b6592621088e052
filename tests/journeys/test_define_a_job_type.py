"""The page that defines a job type, typed as it stands against a whole service."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.documents import is_as_shown, type_again, typed

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "define-a-job-type.md"
EXAMPLE = ROOT / "docs" / "examples" / "word-report"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_the_page_does_what_it_says(up, tmp_path):
    service = up()
    home = tmp_path / "person"
    home.mkdir()
    shutil.copytree(ROOT / "docs" / "examples", tmp_path / "docs" / "examples")
    path = f"{Path(sys.executable).parent}:{service.variables['PATH']}"
    commands = typed(PAGE)
    printed = type_again(commands, tmp_path, {**service.variables, "HOME": str(home), "PATH": path})
    wrong = [
        (one.command, one.printed, told)
        for one, told in zip(commands, printed, strict=True)
        if not is_as_shown(one.printed, told)
    ]
    assert not wrong
    assert len(commands) > 20


@pytest.mark.parametrize("name", ["report.py", "seed.manifest.json"])
def test_the_page_shows_the_files_that_it_copies(name):
    blocks = re.findall(r"^```(?:python|json)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert (EXAMPLE / name).read_text() in blocks
