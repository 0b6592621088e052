"""What post finds, refuses and puts away; as the process that the engine starts."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from subprocess import PIPE

import pytest

from scale.job.execution.captured import MOST, UnreadableOutput, read_captured
from scale.job.execution.configuration import step_variables
from tests.clusters.processes import until

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


def post(output, *outputs, values=(), workspaces=("products",)):
    with starting(output, *outputs, values=values, workspaces=workspaces) as process:
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def starting(output, *outputs, values=(), workspaces=("products",)):
    step = {"directory": str(output.parent), "place": "tile/1.0.0/job_1/exe_1", "outputs": outputs, "json": list(values)}
    step["workspaces"] = {name: {"id": 3, "root": str(output.parent.parent / name)} for name in workspaces}
    env = {**os.environ, **step_variables(step)}
    return subprocess.Popen([*PYTHON, "scale.steps.post"], env=env, stdout=PIPE, stderr=PIPE, text=True)


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


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("*.tif", [".h.tif", "a.tif"]),
        ("./*.tif", [".h.tif", "a.tif"]),
        ("**/a.tif", ["1/2/a.tif", "1/a.tif", "a.tif"]),
        ("**/**/a.tif", ["1/2/a.tif", "1/a.tif", "a.tif"]),
        ("**", [".h.tif", "1/2/a.tif", "1/a.tif", "a.tif", "b[1]"]),
        ("1/**", ["1/2/a.tif", "1/a.tif"]),
        ("**/2/*", ["1/2/a.tif"]),
        ("round/a.tif", ["round/a.tif"]),
        ("b[[]1]", ["b[1]"]),
        ("[", []),
        ("a.tif/", []),
        (".", []),
    ],
)
def test_a_pattern_fits_what_it_says_and_goes_round_in_no_circles(output, pattern, fits):
    (output / "1" / "2").mkdir(parents=True)
    for path in ("a.tif", ".h.tif", "1/a.tif", "1/2/a.tif", "b[1]"):
        (output / path).touch()
    (output / "round").symlink_to(".")
    (output / "1" / "up").symlink_to("..")
    done = post(output, files(pattern=pattern, required=False))
    place = "tile/1.0.0/job_1/exe_1/TILES/"
    assert [one["path"].removeprefix(place) for one in json.loads(done.stdout)["files"]] == fits


def test_a_file_that_its_program_has_closed_can_be_read_in_the_workspace(output):
    (output / "a.tif").touch(mode=0)
    assert post(output, files()).returncode == 0
    assert stat.S_IMODE((output.parent.parent / "products/tile/1.0.0/job_1/exe_1/TILES/a.tif").stat().st_mode) == 0o400


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
        (None, [files(pattern="long*")], [], 5, "too long"),
        (None, [files(pattern="odd*")], [], 5, "not printable"),
    ],
)
def test_what_is_wrong_with_the_output_has_an_exit_code_and_a_sentence(output, document, outputs, values, code, words):
    for name in ("1.png", "2.png", "bad.txt", "long" + "x" * 248, "odd\n"):
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


def test_a_workspace_is_not_left_through_a_link_in_it(output, tmp_path):
    (output / "a.tif").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "products" / "tile").symlink_to("../elsewhere")
    done = post(output, files())
    assert (done.returncode, "leads out of the workspace" in done.stderr) == (4, True)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_of_two_workspaces_neither_has_anything_if_one_cannot_be_written(output, tmp_path):
    (output / "a.tif").touch()
    (output / "b.tif").touch()
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "tile").touch()
    done = post(output, files(pattern="a.tif"), files("MASK", "b.tif", workspace="masks"), workspaces=("products", "masks"))
    assert (done.returncode, done.stdout) == (4, "")
    assert [path for path in (tmp_path / "products").rglob("*") if path.is_file()] == []


def test_a_post_that_is_told_to_end_leaves_nothing_in_the_workspace(output, tmp_path):
    for number in range(5_000):
        (output / f"{number}.tif").touch()
    with starting(output, files()) as process:
        place = tmp_path / "products" / "tile/1.0.0/job_1"
        until("a file in the draft", lambda: any(place.glob(".exe_1.part/*/*")))
        process.terminate()
        process.wait()
    assert process.returncode == 143
    assert list(place.iterdir()) == []


def test_what_a_killed_post_of_the_same_job_has_left_goes(output, tmp_path):
    (output / "a.tif").touch()
    (tmp_path / "products/tile/1.0.0/job_1/.exe_0.part/TILES").mkdir(parents=True)
    assert post(output, files()).returncode == 0
    assert [path.name for path in (tmp_path / "products/tile/1.0.0/job_1").iterdir()] == ["exe_1"]


@pytest.mark.parametrize(
    "said", [None, b"", b"{", b" " * (MOST + 1), b'{"version": "1.0"}', b'{"version": "2.0", "files": [], "json": {}}']
)
def test_what_is_no_such_document_is_refused(said):
    with pytest.raises(UnreadableOutput):
        read_captured(said)
