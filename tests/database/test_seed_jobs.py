"""Jobs of a job type, as the scheduler takes them through: what waits, what is recorded, what a crash leaves."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import cycle, islice

import pytest

from scale.engines.instant import Outcome
from scale.engines.protocol import Reason
from scale.job.models import Job, JobExecution, JobExecutionEnd, JobExecutionOutput, JobInputFile, TaskUpdate
from scale.job.request import parse_asked
from scale.job.services import jobs_submit
from scale.kernel.resources import Resources
from scale.queue.models import Queue
from scale.queue.selectors import waiting_of
from scale.scheduler.process import Limits
from scale.scheduler.retention.rules import Retention
from scale.storage.models import File
from tests.seeds import ERRORS, a_manifest, a_type, a_workspace, revise
from tests.world import World

pytestmark = pytest.mark.django_db

INTERFACE = {"outputs": {"files": [{"name": "TILES", "pattern": "*"}], "json": [{"name": "n", "type": "integer"}]}}


DONE = Outcome()


def told(workspace, path="tile/1/a.tif", **rest):
    file = {"output": "TILES", "workspace": workspace.name, "workspace_id": workspace.pk, "path": path, "size": 3}
    files = [{**file, "media_type": "image/tiff", "meta_data": {}, **rest}]
    return json.dumps({"version": "1.0", "files": files, "json": {"n": 3}}).encode()


def says(stdout, *, of_main=DONE):
    """A behaviour: post says this."""
    return lambda spec: Outcome(stdout=stdout) if "_post" in spec.id else of_main if "_main" in spec.id else Outcome()


def a_world(behave, *, after=None, **limits):
    nodes = None if after else {"n1": Resources(cpus=4, mem=4096, disk=4096)}
    return World(nodes=nodes, behave=behave, after=after, limits=Limits(**limits))


def submit(world, job_type, **body):
    asked = parse_asked({"job_type_id": job_type.pk, **body})
    return jobs_submit(submissions=[asked], by=world.user, when=world.now)[0]


@pytest.fixture
def products(tmp_path, clock):
    return a_workspace(tmp_path / "products", "products")


@pytest.fixture
def tile(products):
    return a_type(a_manifest(interface=INTERFACE, errors=ERRORS), {"output_workspaces": {"default": "products"}})


def test_what_post_tells_is_recorded_with_the_end(tile, products):
    world = a_world(says(told(products)))
    job_id = submit(world, tile)
    world.turns(6)
    job, file = world.job(job_id), File.objects.get()
    assert job.status == "COMPLETED"
    assert job.output == JobExecutionOutput.objects.get().output == {"files": {"TILES": [file.pk]}, "json": {"n": 3}}
    assert (file.job_id, file.job_exe.exe_num, file.job_output, file.path) == (job_id, 1, "TILES", "tile/1/a.tif")


def test_a_job_of_a_resource_that_nobody_had_spoken_of_holds_up_nobody_who_waits_for_room(products):
    nodes = {f"n{number}": Resources(cpus=4, mem=4096, disk=4096) for number in range(9)}
    world = World(nodes=nodes, behave=lambda _: Outcome(duration=timedelta(hours=1)))
    for number in (9, 1, 1):  # for those that come after the first nine room is kept
        world.submit(number, resources={"cpus": 3})
        world.turn()
    scalars = [{"name": "cpus", "value": 0.1}, {"name": "licences", "value": 1}]
    job_id = submit(world, a_type(a_manifest(resources={"scalar": scalars})))
    brief = world.submit(1, resources={"cpus": 0.1})[0]
    world.turns(2)
    assert (world.job(job_id).status, world.job(brief).status) == ("QUEUED", "RUNNING")


def test_nobody_who_waits_gets_the_room_between_two_tasks_of_an_execution(tile, products):
    one_cpu = {"resources": {"cpus": 1}}
    brief = Outcome(duration=timedelta(milliseconds=10), stdout=told(products))
    world = World(nodes={"n1": Resources(cpus=2, mem=4096, disk=4096)}, behave=lambda _: brief, holds_back=True)
    world.submit(8, **one_cpu)
    world.turns(8, 0.01)  # these are short, so others like them will wait at the node
    submit(world, tile)
    world.submit(30, **one_cpu)
    most = 0
    for loop in islice(cycle([world.scheduler.schedule, world.scheduler.reports, world.scheduler.persist]), 300):
        loop(world.clock.move(timedelta(milliseconds=2)))
        tasks = world.engine.cluster.tasks.values()
        most = max(most, len([task for task in tasks if task.has_begun and task.end is None]))
    assert world.statuses() == {"COMPLETED": 39}
    assert most == 2


@pytest.mark.parametrize("stored", [{"configuration": {"settings": 3}}, {"input": {"json": 3}}])
def test_a_job_that_cannot_be_prepared_fails_with_the_cause_and_the_others_are_placed(tile, products, stored, caplog):
    world = a_world(lambda spec: Outcome(exit_code=1) if "unprepared" in str(spec.env) else says(told(products))(spec))
    broken, well = (submit(world, tile, max_tries=1) for _ in range(2))
    Job.objects.filter(pk=broken).update(**stored)
    world.turns(6)
    assert (world.job(broken).status, world.job(well).status) == ("FAILED", "COMPLETED")
    (task,) = JobExecution.objects.get(job=broken).configuration["tasks"]
    assert "Error: " in task["step"]["unprepared"]
    assert f"event=unprepared job={broken}" in caplog.text


@pytest.mark.parametrize("stdout", [b"", b"nonsense", b'{"version": "1.0", "files": [{"output": 3}], "json": {}}'])
def test_what_cannot_be_read_fails_the_execution_and_nothing_else(tile, products, stdout):
    world = a_world(says(stdout))
    job_id = submit(world, tile, max_tries=1)
    other = world.submit()[0]
    world.turns(8)
    job = world.job(job_id)
    assert (job.status, job.error.name, world.job(other).status) == ("FAILED", "filesystem-io", "COMPLETED")
    assert not JobExecutionOutput.objects.exists()
    assert TaskUpdate.objects.filter(status="TASK_FAILED").get().message


@pytest.mark.parametrize(
    ("step", "outcome", "error", "message"),
    [
        ("pre", Outcome(exit_code=9, stderr=b"odd\nthe file a.tif is gone\n"), "missing-file", "the file a.tif is gone"),
        ("post", Outcome(exit_code=7, stderr=b"there is no file *\0"), "missing-required-output", "there is no file *"),
        ("post", Outcome(exit_code=7), "missing-required-output", "exited with status 7"),
        ("post", Outcome(exit_code=1, stderr=b"x" * 501), "unknown", "x" * 500),
        ("post", Outcome(exit_code=1, reason=Reason.OUT_OF_MEMORY, message="too much", stderr=b"x"), "out-of-memory", "too much"),
        ("main", Outcome(exit_code=1, stderr=b"secret"), "bad-scene", "exited with status 1"),
    ],
)
def test_why_a_step_failed_is_told_with_its_execution(tile, products, step, outcome, error, message):
    world = a_world(lambda spec: outcome if spec.id.endswith(step) else Outcome(stdout=told(products)))
    job_id = submit(world, tile, max_tries=1)
    world.turns(6)
    assert (world.job(job_id).error.name, JobExecutionEnd.objects.get().message) == (error, message)


def unseen(stdout):
    """A behaviour: nobody sees how post ends."""
    return lambda spec: Outcome(exit_code=1, reason=Reason.EXIT_UNSEEN, stdout=stdout) if "_post" in spec.id else Outcome()


def test_a_post_that_nobody_saw_end_has_finished_if_it_has_told_all(tile, products):
    world = a_world(unseen(told(products)))
    job_id = submit(world, tile)
    world.turns(6)
    assert (world.job(job_id).status, world.job(job_id).num_exes) == ("COMPLETED", 1)
    assert world.job(job_id).output == {"files": {"TILES": [File.objects.get().pk]}, "json": {"n": 3}}
    assert not TaskUpdate.objects.filter(status="TASK_FAILED").exists()


@pytest.mark.parametrize("left_out", [1, 1000])
def test_a_post_that_nobody_saw_end_is_tried_again_if_it_has_not_told_all(tile, products, left_out):
    world = a_world(unseen(told(products)[:-left_out]))
    job_id = submit(world, tile, max_tries=1)
    world.turns(6)
    assert (world.job(job_id).status, world.job(job_id).error.name) == ("FAILED", "scheduler-lost")
    assert not File.objects.exists()


def test_a_crash_before_the_end_is_recorded_loses_no_output(tile, products):
    world = a_world(says(told(products)))
    job_id = submit(world, tile)
    world.turns(2)
    while not [task for task in world.engine.cluster.output if task.endswith("_post")]:
        for step in (world.scheduler.reports, world.scheduler.persist, world.scheduler.schedule):
            step(world.now)
    world.scheduler.reports(world.now)  # heard, and never recorded
    assert world.job(job_id).status == "RUNNING"
    after = a_world(says(told(products)), after=world)
    after.scheduler.reports(after.now)
    after.turns(3)
    assert after.job(job_id).status == "COMPLETED"
    assert after.job(job_id).output["json"] == {"n": 3}


@pytest.mark.parametrize("steps", range(1, 17))
def test_a_crash_between_any_two_turns_of_loops_loses_no_output_and_records_it_once(tile, products, steps):
    world = a_world(says(told(products)))
    job_id = submit(world, tile)
    loops = cycle([world.scheduler.reports, world.scheduler.schedule, world.scheduler.reports, world.scheduler.persist])
    for loop in islice(loops, steps):
        loop(world.now)
    after = world.crash()
    after.turns(6, 1)
    job, file = after.job(job_id), File.objects.get()
    assert (job.status, job.num_exes) == ("COMPLETED", 1)
    assert job.output == JobExecutionOutput.objects.get().output == {"files": {"TILES": [file.pk]}, "json": {"n": 3}}


def test_a_job_that_is_canceled_while_its_output_is_collected_gives_nothing(tile, products):
    world = a_world(lambda spec: Outcome(duration=None) if spec.id.endswith("_post") else Outcome())
    job_id = submit(world, tile)
    world.turns(4)
    world.cancel(job_id)
    world.turns(3, 1)
    assert (world.job(job_id).status, world.job(job_id).output, File.objects.count()) == ("CANCELED", None, 0)


def test_a_job_with_an_image_waits_for_an_engine_and_says_so(tile):
    image = a_type(a_manifest("imaged"), docker_image="imaged-1.0.0-seed:1.0.0")
    world = a_world(says(b""))
    job_id = submit(world, image)
    world.turns(2)
    waiting = waiting_of(job_id, 1, world.now)
    assert (waiting.code, dict(waiting.nodes)) == ("no-engine", {"no-engine": 1})
    assert world.job(job_id).status == "QUEUED"


def test_a_job_keeps_to_its_revision(tile, products):
    world = a_world(says(told(products), of_main=Outcome(exit_code=1)))
    job_id = submit(world, tile)
    revise(tile, a_manifest(errors=[{"code": 1, "name": "another"}]), docker_image="tile-1.0.0-seed:1.0.0")
    world.turns(6)
    execution = JobExecution.objects.get()
    assert (world.job(job_id).error.name, execution.docker_image) == ("bad-scene", "")


def test_an_adopted_execution_keeps_to_its_revision_too(tile, products):
    behave = says(told(products), of_main=Outcome(exit_code=1, duration=timedelta(seconds=5)))
    world = a_world(behave)
    job_id = submit(world, tile)
    world.turns(3)
    revise(tile, a_manifest(errors=[{"code": 1, "name": "another"}]))
    after = a_world(behave, after=world)
    after.turns(5, 3)
    assert after.job(job_id).error.name == "bad-scene"


def test_a_type_without_a_timeout_runs_as_long_as_it_likes(products):
    endless = a_type(a_manifest("endless", timeout=0))
    world = a_world(lambda spec: Outcome(duration=None) if "_main" in spec.id else Outcome())
    job_id = submit(world, endless)
    world.turns(4)
    world.pass_time(timedelta(days=1), timedelta(hours=1))
    assert world.job(job_id).status == "RUNNING"


def test_only_main_is_given_the_secret_and_only_there_is_it_open(products):
    interface = {"settings": [{"name": "KEY", "secret": True}, {"name": "HOST"}, {"name": "OTHER", "secret": True}]}
    secret = a_type(
        a_manifest("secret", interface=interface), {"settings": {"HOST": "h"}}, {"KEY": "of-type", "OTHER": "of-type"}
    )
    specs = {}
    world = a_world(
        lambda spec: (
            specs.setdefault(spec.id.rpartition("_")[2], spec) and Outcome(stdout=b'{"version": "1.0", "files": [], "json": {}}')
        )
    )
    job_id = submit(world, secret, configuration={"settings": {"KEY": "of-job"}})
    world.turns(6)
    assert world.job(job_id).status == "COMPLETED"
    assert [specs["main"].env[name] for name in ("KEY", "OTHER", "HOST")] == ["of-job", "of-type", "h"]
    assert "of-" not in str([specs[step].env for step in ("pre", "post")])
    assert "of-" not in str(list(JobExecution.objects.values())) + str(list(Job.objects.values()))


@pytest.mark.parametrize("number", [1e20, -1e300, 1e-300, 2**63])
def test_no_number_that_a_database_gives_back_in_another_form_stops_the_scheduler(number):
    job_type = a_type(a_manifest(interface={"inputs": {"json": [{"name": "n", "type": "number"}]}}))
    specs = []
    world = a_world(lambda spec: specs.append(spec) or says(b'{"version": "1.0", "files": [], "json": {}}')(spec))
    job_id = submit(world, job_type, input={"json": {"n": number}})
    world.turns(6)
    assert world.job(job_id).status == "COMPLETED"
    (main,) = (spec for spec in specs if spec.id.endswith("_main"))
    assert float(main.env["N"]) == float(number)


def test_a_secret_that_cannot_be_opened_fails_the_task_with_a_sentence(products, settings):
    interface = {"settings": [{"name": "KEY", "secret": True}]}
    secret = a_type(a_manifest("secret", interface=interface), secrets={"KEY": "x"})
    settings.SECRETS_KEYS = ("another key",)
    world = a_world(says(b""))
    job_id = submit(world, secret, max_tries=1)
    world.turns(6)
    execution = JobExecution.objects.select_related("jobexecutionend").get()
    assert world.job(job_id).error.name == "task-launch"
    assert "SCALE_SECRETS_KEYS" in execution.jobexecutionend.message


def test_inputs_are_rows_and_make_the_job_larger(products, tmp_path):
    (tmp_path / "products" / "big.tif").write_bytes(b"x" * (3 << 19))
    interface = {"inputs": {"files": [{"name": "SCENE"}]}}
    scalars = [{"name": "mem", "value": 100, "inputMultiplier": 100}]
    job_type = a_type(a_manifest("scene", interface=interface, resources={"scalar": scalars}), max_tries=7)
    world = a_world(says(b""))
    job_id = submit(world, job_type, input={"files": {"SCENE": {"workspace": "products", "path": "big.tif"}}})
    job, row = world.job(job_id), JobInputFile.objects.get()
    assert (job.input_file_size, job.resources, job.max_tries) == (2.0, {"cpus": 0.25, "mem": 300.0, "disk": 2.0}, 7)
    assert (row.job_input, row.input_file.path, job.input) == (
        "SCENE",
        "big.tif",
        {"files": {"SCENE": [row.input_file_id]}, "json": {}},
    )
    assert Queue.objects.get().resources == job.resources
    world.turn()
    pre, main, post = JobExecution.objects.get().configuration["tasks"]
    assert [task["resources"]["disk"] for task in (pre, main)] == [2.0, 0.0]
    assert "disk" not in post["resources"]


def test_plain_jobs_and_jobs_of_types_may_come_together(tile, clock):
    world = a_world(says(b""))
    asked = [parse_asked(raw) for raw in ({"command": "true"}, {"job_type_id": tile.pk}, {"command": ["a"]})]
    ids = jobs_submit(submissions=asked, by=world.user, when=world.now)
    assert [world.job(one).command for one in ids] == ["true", None, ["a"]]
    assert [world.job(one).configuration for one in ids] == [None, {}, None]


def test_arrays_of_a_type_know_their_indices_share_their_files_and_go_where_they_may(products, tmp_path):
    (tmp_path / "products" / "a.tif").write_bytes(b"x")
    job_type = a_type(a_manifest("scene", interface={"inputs": {"files": [{"name": "SCENE"}]}}))
    world = a_world(says(told(products)))
    given = {"files": {"SCENE": {"workspace": "products", "path": "a.tif"}}}
    raw = {"job_type_id": job_type.pk, "input": given, "array": {"first": 3, "count": 2}}
    submit = lambda **more: jobs_submit(submissions=[parse_asked({**raw, **more})], by=world.user, when=world.now)  # noqa: E731
    ids, elsewhere = submit(hosts=["n1"]), submit(hosts=["n2"])
    world.turn()
    placed = JobExecution.objects.order_by("id")
    assert [execution.job_id for execution in placed] == ids
    mains = [next(task for task in one.configuration["tasks"] if task["type"] == "main") for one in placed]
    assert [main["env_vars"]["SCALE_ARRAY_INDEX"] for main in mains] == ["3", "4"]
    assert JobInputFile.objects.count() == 4
    assert waiting_of(elsewhere[0], 1, world.now).code == "no-such-node"


def test_many_jobs_of_a_type_are_placed_with_as_many_statements_as_one(tile, products, django_assert_max_num_queries):
    world = World(nodes={"n1": Resources(cpus=1000, mem=1e6, disk=4096)})
    asked = [parse_asked({"job_type_id": tile.pk})] * 50
    with django_assert_max_num_queries(8):
        jobs_submit(submissions=asked, by=world.user, when=world.now)
    with django_assert_max_num_queries(45):
        world.turn()
    assert JobExecution.objects.count() == 50


def test_jobs_go_with_all_that_belongs_to_them_and_their_files_stay(tile, products, tmp_path):
    world = a_world(says(told(products)), retention=Retention(jobs=timedelta(days=1)))
    submit(world, tile)
    world.turns(6)
    world.clock.move(timedelta(days=3))
    world.scheduler.tidier.tidy(world.now)
    assert (Job.objects.count(), JobExecutionOutput.objects.count()) == (0, 0)
    assert (File.objects.get().job_id, File.objects.get().job_exe_id) == (None, None)


def test_directories_of_executions_that_are_over_go_and_no_others(tile, tmp_path):
    home = tmp_path / "home"
    world = a_world(lambda spec: Outcome(duration=None), home=home)
    submit(world, tile)
    world.turn()
    running = home / "work" / "executions" / JobExecution.objects.get().cluster_id
    stray = running.parent / "scale_job_f_99x1"
    for folder in (running / "input", stray / "input" / "closed"):
        folder.mkdir(parents=True)
    (stray / "link").symlink_to(running)
    (stray / "input").chmod(0)
    world.scheduler.tidier.tidy(world.now)
    assert list(running.parent.iterdir()) == [running]
    world.crash(limits=Limits(home=home)).scheduler.tidier.tidy(world.now)
    assert list(running.parent.iterdir()) == [running]


def test_a_node_that_refuses_pre_fails_it_as_any_task(tile):
    world = a_world(lambda spec: Outcome(refused=Reason.LAUNCH_FAILED))
    job_id = submit(world, tile, max_tries=1)
    world.turns(3)
    assert world.job(job_id).error.name == "task-launch"
