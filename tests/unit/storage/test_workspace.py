"""Paths in workspaces, as text and on the disk."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.kernel.errors import Invalid
from scale.kernel.reading import read
from scale.storage.disk import NoSuchFile, find_file, media_type_of, what_is_wrong_with_root
from scale.storage.workspace import FilePath, WorkspaceConfiguration, WrongPath, clean_path, root_of


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "scenes"
    (root / "2026").mkdir(parents=True)
    (root / "2026" / "a.tif").write_bytes(b"12345")
    (tmp_path / "secret").write_text("not yours")
    return root


@pytest.mark.parametrize(("path", "clean"), [("a", "a"), ("a//b", "a/b"), ("./a/./b", "a/b"), ("..a/b..", "..a/b.."), ("é", "é")])
def test_a_path_has_one_way_to_be_written(path, clean):
    assert clean_path(path) == clean


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("", "names no file"),
        (".", "names no file"),
        ("/", "names no file"),
        ("/etc/passwd", "is absolute"),
        ("a/", "names a directory"),
        ("../a", "has `..` in it"),
        ("a/../../b", "has `..` in it"),
        ("a\0b", "holds a NUL byte"),
        ("a\udcffb", "is not UTF-8"),
        ("a/" * 500 + "b", "has more than 1000 characters"),
        ("a" * 251, "has a name of more than 250 characters"),
    ],
)
def test_a_path_that_no_file_can_have_says_why(path, wrong):
    with pytest.raises(WrongPath, match=wrong):
        clean_path(path)


@given(st.text(st.sampled_from("ab./\0é\ud800"), max_size=20))
def test_whatever_the_path_is_it_stays_below_the_root_or_is_refused(path):
    try:
        clean = clean_path(path)
    except WrongPath:
        return
    assert os.path.normpath(f"/root/{clean}") == f"/root/{clean}"
    assert clean_path(clean) == clean


def test_a_path_of_a_workspace_is_written_with_its_name():
    assert str(FilePath("scenes", "a\ud800")) == "scenes:a\\ud800"


@pytest.mark.parametrize("path", ["data", "", "/data/../etc", "/a\0", 5, None, "/" + "a" * 4096])
def test_the_directory_of_a_workspace_is_absolute(path):
    with pytest.raises(Invalid):
        read(WorkspaceConfiguration, {"broker": {"type": "host", "host_path": path}})


def test_the_directory_of_a_workspace_is_told_in_one_way():
    configuration = read(WorkspaceConfiguration, {"broker": {"type": "host", "host_path": "//data/./scenes/"}})
    assert root_of(configuration.model_dump()) == "/data/scenes"


def test_a_file_is_found_with_its_size_and_its_media_type(root):
    found = find_file(root, "./2026//a.tif")
    assert found == (root / "2026" / "a.tif", 5, "image/tiff")


def test_a_link_within_the_workspace_counts_as_what_it_leads_to(root):
    (root / "latest").symlink_to("2026")
    (root / "best.tif").symlink_to(root / "2026" / "a.tif")
    assert find_file(root, "latest/a.tif")[:2] == find_file(root, "best.tif")[:2] == (root / "2026" / "a.tif", 5)


def test_a_workspace_may_itself_be_a_link(root, tmp_path):
    (tmp_path / "linked").symlink_to(root)
    assert find_file(tmp_path / "linked", "2026/a.tif").size == 5


def test_no_link_leads_out_even_to_what_is_not_there(root, tmp_path):
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "up").symlink_to("..")
    (root / "nothing").symlink_to(tmp_path / "nothing")
    (root / "2026" / "far").symlink_to("../../secret")
    for path in ("out", "up/secret", "nothing", "2026/far"):
        with pytest.raises(NoSuchFile, match="leads out of the workspace"):
            find_file(root, path)


def test_what_is_no_file_is_told_as_what_it_is(root):
    os.mkfifo(root / "pipe")
    (root / "round").symlink_to("round")
    for path, wrong in {
        "2026": "is a directory, not a regular file",
        "pipe": "is a device, a pipe or a socket, not a regular file",
        "b.tif": "There is no file 'b.tif' in the workspace: No such file or directory",
        "2026/a.tif/b": "Not a directory",
        "round": "Too many levels of symbolic links",
    }.items():
        with pytest.raises(NoSuchFile, match=wrong):
            find_file(root, path)


def test_a_workspace_whose_directory_is_gone_says_so(tmp_path):
    with pytest.raises(NoSuchFile, match=r"The directory of the workspace, .*gone, is not there"):
        find_file(tmp_path / "gone", "a")


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("a.tif", "image/tiff"),
        ("b/c.geojson", "application/geo+json"),
        ("a.tar.gz", "application/gzip"),
        ("a.Z", "application/octet-stream"),
        ("README", "application/octet-stream"),
        ("data:,x.png", "image/png"),
    ],
)
def test_the_media_type_is_what_the_name_says(path, media_type):
    assert media_type_of(path) == media_type


def test_a_directory_that_cannot_be_a_workspace_says_why(root, tmp_path):
    home = tmp_path / "home"
    (home / "inside").mkdir(parents=True)
    (tmp_path / "into").symlink_to(home)
    assert what_is_wrong_with_root(str(root), home) is None
    for path, wrong in {
        "gone": "there is no directory",
        "secret": "there is no directory",
        "home": "the data directory of the service",
        "home/inside": "the data directory of the service",
        "into/inside": "the data directory of the service",
        ".": "the data directory of the service",
    }.items():
        assert wrong in what_is_wrong_with_root(str(tmp_path / path), home)
