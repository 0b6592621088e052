"""Files: their rows are made for many at once, and say what the disk says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from scale.job.models import JobExecution
from scale.job.services import job_submit
from scale.job.submission import parse_submission
from scale.storage.models import File, Workspace
from scale.storage.services import MadeFile, UnusableFiles, files_ensure, files_record
from scale.storage.workspace import FilePath, WrongPath

pytestmark = pytest.mark.django_db


@pytest.fixture
def a_workspace(tmp_path, clock):
    def make(name: str = "scenes", **columns) -> Workspace:
        (tmp_path / name).mkdir()
        configuration = {"broker": {"type": "host", "host_path": str(tmp_path / name)}}
        now = clock.now()
        return Workspace.objects.create(name=name, configuration=configuration, created=now, last_modified=now, **columns)

    return make


def paths(*texts: str) -> list[FilePath]:
    return [FilePath(*text.split(":")) for text in texts]


def test_files_get_rows_in_the_order_in_which_they_are_named(a_workspace, tmp_path, clock):
    a_workspace("a")
    a_workspace("b")
    (tmp_path / "a" / "one.tif").write_bytes(b"1")
    (tmp_path / "b" / "two.json").write_bytes(b"22")
    files = files_ensure(paths=paths("b:two.json", "a:./one.tif", "a:one.tif"), when=clock.now())
    assert [(f.workspace.name, f.path, f.name, f.size, f.media_type) for f in files] == [
        ("b", "two.json", "two.json", 2, "application/json"),
        ("a", "one.tif", "one.tif", 1, "image/tiff"),
        ("a", "one.tif", "one.tif", 1, "image/tiff"),
    ]
    assert [file.pk for file in files] == [File.objects.get(path=file.path).pk for file in files]


def test_only_what_has_changed_on_the_disk_is_written_anew(a_workspace, tmp_path, clock):
    a_workspace("a")
    (tmp_path / "a" / "same").write_bytes(b"1")
    (tmp_path / "a" / "grown").write_bytes(b"1")
    then = clock.now()
    first = files_ensure(paths=paths("a:same", "a:grown"), when=then)
    (tmp_path / "a" / "grown").write_bytes(b"22")
    clock.move(timedelta(hours=1))
    again = files_ensure(paths=paths("a:same", "a:grown"), when=clock.now())
    assert [file.pk for file in again] == [file.pk for file in first]
    rows = File.objects.order_by("path").values_list("path", "size", "created", "last_modified")
    assert [*rows] == [("grown", 2, then, clock.now()), ("same", 1, then, then)]


def test_a_file_that_comes_back_is_no_longer_deleted(a_workspace, tmp_path, clock):
    a_workspace("a")
    (tmp_path / "a" / "x").write_bytes(b"1")
    files_ensure(paths=paths("a:x"), when=clock.now())
    File.objects.update(is_deleted=True, deleted=clock.now())
    (file,) = files_ensure(paths=paths("a:x"), when=clock.now())
    file.refresh_from_db()
    assert (file.is_deleted, file.deleted) == (False, None)


def test_a_thousand_files_need_no_query_each(a_workspace, tmp_path, clock, django_assert_max_num_queries):
    a_workspace("a")
    for number in range(1000):
        (tmp_path / "a" / str(number)).touch()
    asked = [FilePath("a", str(number)) for number in range(1000)]
    for _ in range(2):
        with django_assert_max_num_queries(10):
            assert len(files_ensure(paths=asked, when=clock.now())) == 1000


def test_every_file_that_cannot_be_read_is_named_with_its_reason(a_workspace, clock):
    a_workspace("a")
    a_workspace("old", is_active=False)
    asked = paths("a:gone", "a:../up", "old:x", "none:x")
    with pytest.raises(UnusableFiles) as caught:
        files_ensure(paths=asked, when=clock.now())
    assert list(caught.value.reasons.items()) == [
        (asked[0], "a:gone: There is no file 'gone' in the workspace: No such file or directory."),
        (asked[1], "a:../up: The path '../up' has `..` in it; state it without."),
        (asked[2], "The workspace of old:x is not active: nothing new is read from it."),
        (asked[3], "There is no workspace for none:x."),
    ]
    assert str(caught.value).startswith("a:gone: There is no file")
    assert not File.objects.exists()


@pytest.fixture
def an_execution(clock):
    user, now = User.objects.create_user("alice"), clock.now()
    job = job_submit(submission=parse_submission({"command": "true"}), by=user, when=now)
    return JobExecution.objects.create(
        job=job, job_type=job.job_type, exe_num=1, cluster_id="x", timeout=60, queued=now, created=now
    )


def test_what_a_job_has_made_is_recorded_and_recorded_again_all_the_same(a_workspace, an_execution, clock):
    workspace, then = a_workspace("a"), clock.now()
    made = [
        MadeFile(workspace.pk, path, 5, an_execution.job_id, an_execution.pk, "MASK", meta_data={"k": path})
        for path in ("out/b.tif", "out/a.tif", "out//b.tif")
    ]
    files = files_record(made=made, when=then)
    assert [file.path for file in files] == ["out/b.tif", "out/a.tif", "out/b.tif"]
    again = files_record(made=[one._replace(size=6, media_type="x/y") for one in made], when=then + timedelta(hours=1))
    assert [file.pk for file in again] == [file.pk for file in files]
    file = File.objects.get(path="out/b.tif")
    assert (file.name, file.size, file.media_type, file.job_output) == ("b.tif", 6, "x/y", "MASK")
    assert (file.meta_data, file.created) == ({"k": "out//b.tif"}, then)
    assert File.objects.get(path="out/a.tif").media_type == "x/y"
    assert File.objects.count() == 2
    with pytest.raises(WrongPath):
        files_record(made=[made[0]._replace(path="../x")], when=then)
