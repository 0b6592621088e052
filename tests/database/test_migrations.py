"""Migrations lead from the former release to this one, with what stands in the tables."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from tests.conftest import NOW

OURS = ("error", "job", "node", "queue", "scheduler")
FORMER = [(label, "0001_initial") for label in OURS]  #: 0.1.0


def names():
    return {path.stem for label in OURS for path in (Path(apps.get_app_config(label).path) / "migrations").glob("0*.py")}


@pytest.mark.django_db
def test_the_models_are_as_the_migrations_make_them():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0, stdout=StringIO())


def test_every_migration_says_by_its_name_what_it_does():
    assert not [name for name in names() if not re.fullmatch(r"\d{4}_[a-z_]+", name) or re.search("_auto_|_and_more", name)]


def test_no_migration_takes_anything_away():
    gone = {"RemoveField", "DeleteModel", "RenameField", "RenameModel"}
    loader = MigrationLoader(None)
    found = [
        operation for key, migration in loader.disk_migrations.items() if key[0] in OURS for operation in migration.operations
    ]
    assert not gone & {type(operation).__name__ for operation in found}


def migrated_to(targets):
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return MigrationExecutor(connection).loader.project_state(targets).apps


@pytest.fixture
def former(transactional_db):
    """The models of the former release, in a database that stands as it left it."""
    yield migrated_to(FORMER)
    call_command("migrate", verbosity=0)


def test_rows_of_the_former_release_are_intact_after_the_migration(former):
    user = former.get_model("auth", "User").objects.create(username="alice")
    times = {"created": NOW, "last_modified": NOW}
    job_type = former.get_model("job", "JobType").objects.create(name="tile", version="1.0.0", **times)
    revision = former.get_model("job", "JobTypeRevision").objects.create(job_type=job_type, revision_num=1, created=NOW)
    node = former.get_model("node", "Node").objects.create(hostname="node-1", engine="local", **times)
    of_type = {"job_type": job_type, "queued": NOW, "created": NOW}
    columns = {"job_type_rev": revision, "owner": user, "command": ["true"], "timeout": 60, "max_tries": 3, "num_exes": 1}
    job = former.get_model("job", "Job").objects.create(status="RUNNING", last_modified=NOW, **of_type, **columns)
    one = {"job": job, "exe_num": 1, **of_type}
    execution = former.get_model("job", "JobExecution").objects.create(cluster_id="c", node=node, timeout=60, **one)
    end = {"job_exe": execution, "status": "COMPLETED", "ended": NOW, **one}
    former.get_model("job", "JobExecutionEnd").objects.create(**end)
    former.get_model("job", "TaskUpdate").objects.create(job_exe=execution, task_id="t", status="TASK_RUNNING", created=NOW)
    waits = {**one, "exe_num": 2, "priority": 1, "resources": {"cpus": 1}, "shape": "1/1/cpus=1.0"}
    former.get_model("queue", "Queue").objects.create(**waits)
    before = contents(former)

    call_command("migrate", verbosity=0)
    after = contents(apps)
    assert sum(map(len, before.values())) >= 8
    for table, rows in before.items():
        for old, new in zip(rows, after[table], strict=True):
            assert {column: new[column] for column in old} == old


def contents(registry):
    models = [model for label in OURS for model in registry.get_app_config(label).get_models()]
    return {model._meta.db_table: list(model._default_manager.order_by("pk").values()) for model in models}
