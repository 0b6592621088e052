"""What pre brings and what it refuses; as the process that the engine starts."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest

from scale.job.execution.configuration import step_variables
from scale.steps.common import copy, told

PYTHON = (sys.executable, "-P", "-X", "utf8", "-m")


@pytest.fixture
def scenes(tmp_path):
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "a.tif").write_bytes(b"the content")
    return tmp_path / "scenes"


def a_file(path="a.tif", name="a.tif", **rest):
    told = {"id": 1, "type": "SOURCE", "workspace_name": "scenes", "workspace_path": path, "local_file_name": name}
    return {**told, "is_deleted": False, "media_type": "image/tiff", "file_size": 11, **rest}


def pre(scenes, files, **rest):
    step = {"directory": str(scenes.parent / "work" / "exe"), "roots": {"scenes": str(scenes)}, "partial": []}
    step = {**step, "homeless": [], "missing_settings": [], "mounts": {}, "files": files, **rest}
    run = [*PYTHON, "scale.steps.pre"]
    return subprocess.run(run, env={**os.environ, **step_variables(step)}, capture_output=True, text=True, check=False)


def test_a_file_comes_as_a_copy_that_may_only_be_read(scenes):
    assert pre(scenes, {"IMAGE": [a_file()]}).returncode == 0
    brought = scenes.parent / "work" / "exe" / "input" / "IMAGE" / "a.tif"
    assert brought.read_bytes() == b"the content"
    assert not brought.is_symlink()
    assert stat.S_IMODE(brought.stat().st_mode) == 0o400
    assert brought.stat().st_ino != (scenes / "a.tif").stat().st_ino


def test_what_is_read_in_parts_is_a_link_into_the_workspace(scenes):
    assert pre(scenes, {"IMAGE": [a_file()]}, partial=["IMAGE"]).returncode == 0
    assert (scenes.parent / "work" / "exe" / "input" / "IMAGE" / "a.tif").readlink() == scenes / "a.tif"


def test_the_directories_are_nobody_elses_and_made_anew_for_a_pre_that_was_lost(scenes):
    pre(scenes, {"IMAGE": [a_file()]})
    work = scenes.parent / "work" / "exe"
    (work / "output" / "of-the-first").touch()
    assert pre(scenes, {"IMAGE": [a_file()]}).returncode == 0
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (work, work / "input", work / "output")] == [0o700] * 3
    assert list((work / "output").iterdir()) == []


def test_what_is_known_of_the_files_stands_beside_them(scenes):
    pre(scenes, {"IMAGES": [a_file(), a_file(name="7.a.tif", id=7)]})
    folder = scenes.parent / "work" / "exe" / "input"
    told = json.loads((folder / "scale-input-metadata.json").read_text())["files"]["IMAGES"]
    assert [one["path"] for one in told] == [str(folder / "IMAGES" / name) for name in ("a.tif", "7.a.tif")]
    assert told[1]["id"] == 7
    assert told[0]["workspace_path"] == "a.tif"


@pytest.mark.parametrize(
    ("files", "rest", "code", "words"),
    [
        ([a_file("b.tif")], {}, 9, "scenes:b.tif is not there"),
        ([a_file("../secret")], {}, 9, "leads out of its workspace"),
        ([a_file("link")], {}, 9, "leads out of its workspace"),
        ([a_file(is_deleted=True)], {}, 8, "were deleted: a.tif"),
        ([], {"homeless": ["TILES"]}, 4, "no workspace that is active: TILES"),
        ([], {"missing_settings": ["DB_HOST", "KEY"]}, 6, "DB_HOST, KEY"),
        ([], {"mounts": {"ref": None}}, 10, "ref is not configured"),
        ([], {"mounts": {"ref": "/nonexistent/ref"}}, 10, "no directory /nonexistent/ref"),
        ([a_file(name="x/y")], {}, 4, "No such file"),
        ([], {"unprepared": "TypeError: 3"}, 1, "the job could not be prepared: TypeError: 3"),
    ],
)
def test_what_cannot_be_brought_has_an_exit_code_and_a_sentence(scenes, files, rest, code, words):
    (scenes.parent / "secret").write_text("secret")
    (scenes / "link").symlink_to(scenes.parent / "secret")
    done = pre(scenes, {"IMAGE": files}, **rest)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr


def test_a_long_document_comes_whole_in_several_variables():
    document = {"files": ["ü" * 200] * 1000}
    variables = step_variables(document)
    assert len(variables) > 1
    assert max(map(len, variables.values())) < 131_000
    assert told(variables) == document


def test_a_copy_between_file_systems_is_made_all_the_same(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    target = "/dev/shm/scale-copy-of-a-test"
    try:
        copy(str(tmp_path / "a"), target, 0o400)
        with open(target, "rb") as file:
            assert file.read() == b"x" * 3_000_000
    finally:
        os.unlink(target)
