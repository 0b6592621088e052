"""What post finds, refuses and puts away; as the process that the engine starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from scale.job.execution.captured import MOST, UnreadableOutput, read_captured
from scale.job.execution.configuration import step_variables

PYTHON = (sys.executable, "-P", "-X", "utf8", "-m")


@pytest.fixture
def output(tmp_path):
    (tmp_path / "exe" / "output").mkdir(parents=True)
    (tmp_path / "products").mkdir()
    return tmp_path / "exe" / "output"


def files(name="TILES", pattern="*.tif", **rest):
    return {"name": name, "pattern": pattern, "media_type": "image/tiff", "multiple": True, "required": True} | (
        {"workspace": "products"} | rest
    )


def a_value(name="count", kind="integer", **rest):
    return {"name": name, "key": name, "type": kind, "required": True, **rest}


def post(output, *outputs, values=()):
    root = output.parent.parent / "products"
    step = {"directory": str(output.parent), "place": "tile/1.0.0/job_1/exe_1", "outputs": outputs, "json": list(values)}
    step["workspaces"] = {"products": {"id": 3, "root": str(root)}}
    run = [*PYTHON, "scale.steps.post"]
    return subprocess.run(run, env={**os.environ, **step_variables(step)}, capture_output=True, text=True, check=False)


def test_files_appear_in_the_workspace_and_are_told_with_what_stands_beside_them(output):
    (output / "a.tif").write_bytes(b"aaa")
    (output / "b.tif").write_bytes(b"b")
    (output / "a.tif.metadata.json").write_text('{"cloud": 0.5}')
    done = post(output, files())
    captured = read_captured(done.stdout.encode())
    place = "tile/1.0.0/job_1/exe_1/TILES"
    assert [(one.path, one.size, one.meta_data) for one in captured.files] == [
        (f"{place}/a.tif", 3, {"cloud": 0.5}),
        (f"{place}/b.tif", 1, {}),
    ]
    root = output.parent.parent / "products"
    assert sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()) == [
        f"{place}/a.tif",
        f"{place}/b.tif",
    ]


def test_a_post_that_is_run_again_gives_the_same(output):
    (output / "a.tif").write_bytes(b"aaa")
    first, second = post(output, files()), post(output, files())
    assert (first.returncode, first.stdout) == (second.returncode, second.stdout) == (0, first.stdout)
    assert (output.parent.parent / "products" / "tile/1.0.0/job_1/exe_1/TILES/a.tif").read_bytes() == b"aaa"


def test_a_file_that_has_another_name_elsewhere_is_copied(output):
    (output.parent / "kept").write_bytes(b"aaa")
    os.link(output.parent / "kept", output / "a.tif")
    assert post(output, files()).returncode == 0
    there = output.parent.parent / "products" / "tile/1.0.0/job_1/exe_1/TILES/a.tif"
    assert there.stat().st_ino != (output / "a.tif").stat().st_ino


def test_what_a_link_has_elsewhere_and_side_cars_are_no_output(output):
    (output.parent / "secret.json").write_text("{}")
    (output / "x.json").symlink_to(output.parent / "secret.json")
    (output / "a.json").write_text("{}")
    (output / "a.json.metadata.json").write_text("{}")
    (output / "seed.outputs.json").write_text("{}")
    done = post(output, files(pattern="*.json", multiple=False))
    assert [one.path for one in read_captured(done.stdout.encode()).files] == ["tile/1.0.0/job_1/exe_1/TILES/a.json"]


def test_files_of_deeper_directories_and_odd_names_of_outputs_stay_apart(output):
    for path in ("1/x.tif", "2/x.tif"):
        (output / path).parent.mkdir()
        (output / path).touch()
    done = post(output, files("a b", "1/*.tif"), files("a/b", "2/*.tif"), files("..", "**/x.tif"))
    assert sorted(one.path.removeprefix("tile/1.0.0/job_1/exe_1/") for one in read_captured(done.stdout.encode()).files) == [
        "0_a_b/1/x.tif",
        "1_a_b/2/x.tif",
        "2_/1/x.tif",
        "2_/2/x.tif",
    ]


def test_values_are_taken_from_the_programs_own_document(output):
    (output / "seed.outputs.json").write_text('{"n": 3, "note": "ü", "other": 1}')
    done = post(output, values=[a_value(key="n"), a_value("note", "string"), a_value("gone", required=False)])
    assert read_captured(done.stdout.encode()).json_ == {"count": 3, "note": "ü"}


def test_an_output_that_need_not_be_there_may_be_missing(output):
    done = post(output, files(required=False))
    assert (done.returncode, json.loads(done.stdout)["files"]) == (0, [])
    assert list((output.parent.parent / "products").iterdir()) == []


@pytest.mark.parametrize(
    ("document", "outputs", "values", "code", "words"),
    [
        (None, [files()], [], 7, "no file *.tif"),
        (None, [files(pattern="seed*", multiple=False, required=True)], [], 7, "no file seed*"),
        (None, [files(pattern="?.png", multiple=False)], [], 26, "2 files ?.png"),
        (None, [], [a_value()], 7, "has no count"),
        ("{}", [], [a_value()], 7, "has no count"),
        ('{"count": "3"}', [], [a_value()], 5, "not of the type integer"),
        ('{"count": true}', [], [a_value()], 5, "not of the type integer"),
        ('{"count": 1e999}', [], [a_value("count", "number")], 5, "too large"),
        ('{"count": NaN}', [], [a_value("count", "number")], 5, "no number"),
        ('{"count": 99999999999999999999}', [], [a_value()], 5, "64 bits"),
        ('{"count": "\\u0000"}', [], [a_value("count", "string")], 5, "NUL"),
        ('{"count": ' + "[" * 200 + "]" * 200 + "}", [], [a_value("count", "array")], 5, "deeper"),
        ("[]", [], [a_value()], 5, "no JSON object"),
        ("{", [], [a_value()], 5, "cannot be read"),
        (None, [files(pattern="1.png", workspace="gone")], [], 4, "no workspace for the output"),
        (None, [files(pattern="bad.txt")], [], 5, "bad.txt.metadata.json is no JSON object"),
        (None, [files(pattern="long*")], [], 4, "too long"),
    ],
)
def test_what_is_wrong_with_the_output_has_an_exit_code_and_a_sentence(output, document, outputs, values, code, words):
    for name in ("1.png", "2.png", "bad.txt", "long" + "x" * 248):
        (output / name).touch()
    (output / "bad.txt.metadata.json").write_text("[]")
    if document is not None:
        (output / "seed.outputs.json").write_text(document)
    done = post(output, *outputs, values=values)
    assert (done.returncode, words in done.stderr, done.stdout) == (code, True, ""), done.stderr


def test_what_a_link_in_the_place_of_the_directory_has_is_no_output(output):
    output.rmdir()
    output.symlink_to("/etc")
    done = post(output, files(pattern="hostname"))
    assert (done.returncode, "replaced by a link" in done.stderr) == (7, True)


def test_a_workspace_that_is_not_there_is_not_made(output):
    (output / "a.tif").touch()
    (output.parent.parent / "products").rmdir()
    done = post(output, files())
    assert (done.returncode, "is not there" in done.stderr) == (4, True)


@pytest.mark.parametrize(
    "said", [None, b"", b"{", b" " * (MOST + 1), b'{"version": "1.0"}', b'{"version": "2.0", "files": [], "json": {}}']
)
def test_what_is_no_such_document_is_refused(said):
    with pytest.raises(UnreadableOutput):
        read_captured(said)
