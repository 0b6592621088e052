"""What is not tested of the pure files is named."""

from __future__ import annotations

from tests.pure import ROOT, holes, pure_files


def test_the_pure_files_are_those_of_the_contracts():
    files = pure_files()
    assert {"scale/job/execution/machine.py", "scale/kernel/ids.py", "scale/job/execution/metrics.py"} <= set(files)
    assert all((ROOT / file).is_file() for file in files)


def test_every_hole_is_named_once():
    measured = {
        "whole.py": {"missing_lines": [], "missing_branches": []},
        "half.py": {"missing_lines": [7], "missing_branches": [[3, 5], [4, -1], [7, 8]]},
    }
    assert list(holes(measured, ["whole.py", "half.py", "gone.py"])) == [
        "half.py:7: this line was never run",
        "half.py:3: never went from here to line 5",
        "half.py:4: never went on to the end",
        "gone.py: was never imported",
    ]
