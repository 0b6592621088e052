"""Job types and workspaces that several people write at once; on SQLite only one does, anyway."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from scale.error.models import Error
from scale.job.models import JobType, JobTypeRevision
from scale.job.types.services import job_type_define
from scale.storage.changes import NewWorkspace
from scale.storage.models import Workspace
from scale.storage.services import workspace_create
from tests.conftest import NOW
from tests.unit.seed.corpus import LEAST, changed

WRITERS = 4


def at_once(write):
    """What each of some writers got, who all began in the same moment."""
    got, barrier = [], threading.Barrier(WRITERS)

    def begin(number):
        barrier.wait(10)
        try:
            got.append(write(number))
        except Exception as error:  # noqa: BLE001 for the test to see
            got.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=begin, args=[number]) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


@pytest.mark.django_db(transaction=True)
def test_of_those_who_post_a_type_at_once_one_makes_it_and_the_others_change_it():
    if connection.vendor == "sqlite":
        return
    manifest = changed(LEAST, "/job/errors", [{"code": 1, "name": "bad"}])
    got = at_once(lambda number: job_type_define(columns={"manifest": manifest, "max_scheduled": number}, when=NOW))
    assert sorted(defined.is_new for defined in got) == [False] * (WRITERS - 1) + [True]
    made = JobType.objects.get(name=LEAST["job"]["name"])
    assert (made.revision_num, JobTypeRevision.objects.filter(job_type=made).count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_versions_that_own_the_same_error_may_be_posted_at_once():
    if connection.vendor == "sqlite":
        return
    manifest = changed(LEAST, "/job/errors", [{"code": 1, "name": "bad"}])
    versions = [changed(manifest, "/job/jobVersion", f"{number}.0.0") for number in range(WRITERS)]
    got = at_once(lambda number: job_type_define(columns={"manifest": versions[number]}, when=NOW))
    assert [defined.is_new for defined in got] == [True] * WRITERS
    assert Error.objects.filter(name="bad").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_those_who_make_a_workspace_at_once_one_does_and_the_others_are_told(home, tmp_path_factory):
    if connection.vendor == "sqlite":
        return
    place = str(tmp_path_factory.mktemp("scenes"))
    new = NewWorkspace.model_validate({"name": "scenes", "configuration": {"broker": {"type": "host", "host_path": place}}})
    got = at_once(lambda _: workspace_create(new=new, when=NOW))
    told = sorted(str(one) for one in got)
    assert told == ["name: there is a workspace scenes already; choose another name, or edit that one"] * (WRITERS - 1) + [
        "scenes"
    ]
    assert Workspace.objects.count() == 1
