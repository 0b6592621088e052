"""The how-to for those who come from qtoolkit tells the truth."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "come-from-qtoolkit.md").read_text()


def test_the_examples_run():
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) >= 3
    exec("\n".join(examples), {})
