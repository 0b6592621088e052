"""The tables of job types, jobs, their executions and how those ended."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import models

from scale.error.catalog import Category
from scale.job.dependencies import When
from scale.job.states import CommandKind, CommandState, ExecutionStatus, JobStatus, RetryOn
from scale.kernel.ids import ClusterId, cluster_id, parse_cluster_id


class JobType(models.Model):
    """A kind of job: what it runs and how. Title and description stand in its manifest."""

    name = models.CharField(max_length=250)
    version = models.CharField(max_length=50)
    is_builtin = models.BooleanField(default=False)
    is_system = models.BooleanField(default=False)
    is_long_running = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    is_paused = models.BooleanField(default=False)
    is_published = models.BooleanField(default=False)
    unmet_resources = models.CharField(max_length=250, null=True)  # noqa: DJ001 null is "none" to clients of the original
    max_scheduled = models.IntegerField(null=True)
    max_tries = models.IntegerField(default=3)
    icon_code = models.CharField(max_length=20, null=True)  # noqa: DJ001 null is "none" to clients of the original
    revision_num = models.IntegerField(default=1)
    docker_image = models.CharField(max_length=500, blank=True)
    manifest = models.JSONField(default=dict)
    configuration = models.JSONField(default=dict)  #: with stars in the place of secrets
    secrets = models.JSONField(default=dict, db_default={})  #: settings that nobody may see: {name: what is sealed}
    created = models.DateTimeField()
    deprecated = models.DateTimeField(null=True)
    paused = models.DateTimeField(null=True)
    last_modified = models.DateTimeField()

    class Meta:
        db_table = "job_type"
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="job_type_one_of_each_version")]

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"

    @property
    def title(self) -> str:
        return str(self.manifest.get("job", {}).get("title", self.name))

    @property
    def description(self) -> str:
        return str(self.manifest.get("job", {}).get("description", ""))

    @cached_property
    def error_mapping(self) -> dict[int, str]:
        """What the exit codes of its program mean: names of errors that this job type owns."""
        return {int(error["code"]): str(error["name"]) for error in self._errors}

    @cached_property
    def error_categories(self) -> dict[str, Category]:
        """Whose fault the errors that this job type owns are, by name."""
        return {
            str(error["name"]): Category.DATA if error.get("category") == "data" else Category.ALGORITHM for error in self._errors
        }

    @property
    def _errors(self) -> list[dict[str, Any]]:
        return list(self.manifest.get("job", {}).get("errors", ()))


class JobTypeRevision(models.Model):
    """A job type as it once was; jobs keep to the revision they were made with."""

    job_type = models.ForeignKey(JobType, on_delete=models.PROTECT)
    revision_num = models.IntegerField()
    manifest = models.JSONField(default=dict)
    docker_image = models.CharField(max_length=500, blank=True)
    created = models.DateTimeField()

    class Meta:
        db_table = "job_type_revision"
        constraints = [models.UniqueConstraint(fields=["job_type", "revision_num"], name="job_type_revision_one_of_each_number")]

    def __str__(self) -> str:
        return f"{self.job_type} revision {self.revision_num}"


class JobArray(models.Model):
    """Jobs that were submitted as one, alike but for their index."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    name = models.CharField(max_length=200, blank=True)
    size = models.IntegerField()  #: as submitted
    first = models.IntegerField(default=0)  #: index of the first member
    created = models.DateTimeField()

    class Meta:
        db_table = "job_array"

    def __str__(self) -> str:
        return f"job array {self.pk}"


class Job(models.Model):
    """Something to be run, until it has completed or nobody tries again."""

    job_type = models.ForeignKey(JobType, on_delete=models.PROTECT, db_constraint=False)
    job_type_rev = models.ForeignKey(JobTypeRevision, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    name = models.CharField(max_length=200, blank=True)
    command = models.JSONField(null=True)  #: text for /bin/sh -c, or a program with its arguments
    env = models.JSONField(default=dict)
    working_dir = models.CharField(max_length=4096, null=True)  # noqa: DJ001 null is "a directory of its own"
    labels = models.JSONField(default=dict)
    resources = models.JSONField(default=dict)  #: what each execution needs: {name: amount}
    constraints = models.JSONField(null=True)  #: what it asks of nodes beside that
    timeout = models.IntegerField()  #: seconds that the main task may run
    priority = models.IntegerField(default=100)
    max_tries = models.IntegerField()
    own_tries = models.IntegerField(null=True)  #: as submitted; `max_tries` grows by them each time it is requeued
    retry_on = models.CharField(max_length=10, choices=[(r, r) for r in RetryOn], default=RetryOn.SYSTEM)
    num_exes = models.IntegerField(default=0)
    status = models.CharField(max_length=10, choices=[(s, s) for s in JobStatus], default=JobStatus.PENDING)
    node = models.ForeignKey("node.Node", null=True, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    error = models.ForeignKey("error.Error", null=True, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    input = models.JSONField(null=True)
    input_file_size = models.FloatField(null=True)  #: MiB
    output = models.JSONField(null=True)
    configuration = models.JSONField(null=True)  #: its own, beside that of its type; of secrets there is nothing to be seen
    secrets = models.JSONField(null=True)  #: of its own configuration: {name: sealed text}
    is_superseded = models.BooleanField(default=False)
    superseded_job = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="superseded_by_job")
    superseded = models.DateTimeField(null=True)
    held = models.DateTimeField(null=True)  #: since when it may not go; null if it may
    array = models.ForeignKey(JobArray, null=True, db_index=False, on_delete=models.PROTECT)
    array_index = models.IntegerField(null=True)
    created = models.DateTimeField()
    queued = models.DateTimeField(null=True)
    requeued = models.DateTimeField(null=True)  #: when somebody last asked for it to be tried anew
    started = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)
    last_status_change = models.DateTimeField(null=True)
    last_modified = models.DateTimeField()

    class Meta:
        db_table = "job"
        indexes = [
            models.Index(fields=["last_modified", "job_type", "status"], name="job_changed"),
            models.Index(fields=["status", "id"], name="job_by_status"),
            models.Index(fields=["array", "status", "id"], condition=models.Q(array__isnull=False), name="job_of_array"),
            models.Index(fields=["error"], condition=models.Q(error__isnull=False), name="job_with_error"),
        ]

    def __str__(self) -> str:
        return f"job {self.pk}"


class JobDependency(models.Model):
    """A job that waits for an end of another one. The other one is older: that no circle can be, the ids say."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT, db_index=False)
    on = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="dependents")
    when = models.CharField(max_length=10, choices=[(w, w) for w in When], default=When.SUCCESS)

    class Meta:
        db_table = "job_dependency"
        constraints = [
            models.UniqueConstraint(fields=["job", "on"], name="job_dependency_one_of_each"),
            models.CheckConstraint(condition=models.Q(on__lt=models.F("job")), name="job_dependency_on_an_older_one"),
        ]

    def __str__(self) -> str:
        return f"job {self.job_id} after {self.when} of job {self.on_id}"


class DependentsDue(models.Model):
    """A note: who waits for this job, and the job itself if it waits, are to be settled, those with larger ids than this."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT)
    after = models.BigIntegerField(default=0)

    class Meta:
        db_table = "job_dependents_due"

    def __str__(self) -> str:
        return f"dependents of job {self.job_id} after {self.after}"


class SubmissionKey(models.Model):
    """The name that a client gave a submission, and what came of it: sent again, it makes nothing new."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False)
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)  #: of where it was sent and what it said
    job_ids = models.JSONField(default=list)
    created = models.DateTimeField()

    class Meta:
        db_table = "job_submission_key"
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="job_submission_key_once_each")]

    def __str__(self) -> str:
        return f"{self.key} of user {self.owner_id}"


class JobCommand(models.Model):
    """What somebody wants done with many jobs. The scheduler goes through them in the order of their ids."""

    kind = models.CharField(max_length=10, choices=[(c, c) for c in CommandKind])
    choice = models.JSONField()  #: which jobs, and what else was stated
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    asked = models.DateTimeField()
    newest = models.BigIntegerField()  #: the newest job at that time; later ones are not meant
    cursor = models.BigIntegerField(default=0)  #: the last job that was looked at
    changed = models.IntegerField(default=0)  #: jobs, until now
    ended = models.DateTimeField(null=True)

    class Meta:
        db_table = "job_command"
        indexes = [models.Index(fields=["id"], condition=models.Q(ended__isnull=True), name="job_command_unended")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def state(self) -> CommandState:
        if self.ended is not None:
            return CommandState.COMPLETED
        return CommandState.RUNNING if self.cursor else CommandState.QUEUED


class JobExecution(models.Model):
    """One try at a job; the row is made when it is placed on a node. Columns say how things stood at that time."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT, db_index=False)
    job_type = models.ForeignKey(JobType, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    exe_num = models.IntegerField()
    cluster_id = models.CharField(max_length=100)
    node = models.ForeignKey("node.Node", null=True, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    docker_image = models.CharField(max_length=500, blank=True)
    priority = models.IntegerField(default=100)
    timeout = models.IntegerField()  #: seconds that the main task may run
    input_file_size = models.FloatField(default=0)  #: MiB
    resources = models.JSONField(default=dict)
    configuration = models.JSONField(default=dict)
    user = models.CharField(max_length=150, blank=True)
    submitted = models.DateTimeField(null=True)
    queued = models.DateTimeField()
    started = models.DateTimeField(null=True)  #: when it was placed; null if it was canceled on the queue
    has_ended = models.BooleanField(default=False)
    canceled = models.DateTimeField(null=True)  #: when its job was canceled, if it had not ended by then
    created = models.DateTimeField()

    class Meta:
        db_table = "job_exe"
        constraints = [models.UniqueConstraint(fields=["job", "exe_num"], name="job_exe_one_of_each_number")]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(has_ended=False), name="job_exe_running"),
            models.Index(fields=["id"], condition=models.Q(has_ended=False, canceled__isnull=False), name="job_exe_to_cancel"),
        ]

    def __str__(self) -> str:
        return f"job {self.job_id} execution {self.exe_num}"

    def set_cluster_id(self, framework_id: str, job_id: int, exe_num: int) -> None:
        self.cluster_id = cluster_id(framework_id, job_id, exe_num)

    def get_cluster_id(self) -> str:
        return self.cluster_id or f"scale_{self.pk}"

    @staticmethod
    def parse_cluster_id(task_id: str) -> ClusterId:
        return parse_cluster_id(task_id)

    @property
    def status(self) -> str:
        end: JobExecutionEnd | None = getattr(self, "jobexecutionend", None)
        return end.status if end else ExecutionStatus.RUNNING


class JobExecutionEnd(models.Model):
    """How an execution ended, and what it used: the accounting record. Text that an engine does not know is empty."""

    job_exe = models.OneToOneField(JobExecution, primary_key=True, on_delete=models.PROTECT)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    job_type = models.ForeignKey(JobType, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    exe_num = models.IntegerField()
    task_results = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=[(s, s) for s in ExecutionStatus])
    error = models.ForeignKey("error.Error", null=True, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    message = models.CharField(max_length=500, blank=True)  #: what the engine said of the ending, for people
    node = models.ForeignKey("node.Node", null=True, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    submitted = models.DateTimeField(null=True)  #: when the job came in
    eligible = models.DateTimeField(null=True)  #: from when it could have been placed
    queued = models.DateTimeField()
    started = models.DateTimeField(null=True)
    seed_started = models.DateTimeField(null=True)  #: of the main task
    seed_ended = models.DateTimeField(null=True)
    ended = models.DateTimeField()
    created = models.DateTimeField()
    requested_cpus = models.FloatField(default=0)
    requested_mem = models.FloatField(default=0)  #: MiB
    requested_gpus = models.FloatField(default=0)
    requested_nodes = models.IntegerField(default=1)
    allocated_cpus = models.FloatField(default=0)
    allocated_mem = models.FloatField(default=0)  #: MiB
    allocated_gpus = models.FloatField(default=0)
    allocated_nodes = models.IntegerField(default=0)
    cpu_seconds = models.FloatField(null=True)  #: of all its tasks; null if nobody measured
    peak_memory = models.FloatField(null=True)  #: MiB, the largest of its tasks
    exit_code = models.IntegerField(null=True)  #: of the main task
    signal = models.IntegerField(null=True)  #: that ended the main task
    user = models.CharField(max_length=150, blank=True)
    account = models.CharField(max_length=150, blank=True)
    project = models.CharField(max_length=150, blank=True)
    qos = models.CharField(max_length=150, blank=True)
    partition = models.CharField(max_length=150, blank=True)
    native_state = models.CharField(max_length=50, blank=True)

    class Meta:
        db_table = "job_exe_end"
        constraints = [models.UniqueConstraint(fields=["job", "exe_num"], name="job_exe_end_one_of_each_number")]
        indexes = [models.Index(fields=["ended"], name="job_exe_end_by_time")]

    def __str__(self) -> str:
        return f"job {self.job_id} execution {self.exe_num}: {self.status}"


class JobInputFile(models.Model):
    """A file that a job reads, and as which of its inputs."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT)
    input_file = models.ForeignKey("storage.File", on_delete=models.PROTECT)
    job_input = models.CharField(max_length=250)

    class Meta:
        db_table = "job_input_file"

    def __str__(self) -> str:
        return f"file {self.input_file_id} of job {self.job_id}"


class JobExecutionOutput(models.Model):
    """What an execution gave, as its post task found it: {"files": {name: [ids]}, "json": {name: value}}."""

    job_exe = models.OneToOneField(JobExecution, primary_key=True, on_delete=models.PROTECT)
    job = models.ForeignKey(Job, on_delete=models.PROTECT)
    job_type = models.ForeignKey(JobType, on_delete=models.PROTECT)
    exe_num = models.IntegerField()
    output = models.JSONField(default=dict)
    created = models.DateTimeField()

    class Meta:
        db_table = "job_exe_output"

    def __str__(self) -> str:
        return f"output of job {self.job_id} execution {self.exe_num}"


class TaskUpdate(models.Model):
    """One thing that an engine said of a task of an execution, in its own words."""

    job_exe = models.ForeignKey(JobExecution, on_delete=models.PROTECT)
    task_id = models.CharField(max_length=250)
    status = models.CharField(max_length=250)
    timestamp = models.DateTimeField(null=True)  #: the engine's own time
    heard = models.DateTimeField(null=True)  #: when we learned of it
    source = models.CharField(max_length=50, null=True)  # noqa: DJ001 as the engine said it
    reason = models.CharField(max_length=50, null=True)  # noqa: DJ001 as the engine said it
    message = models.TextField(null=True)  # noqa: DJ001 as the engine said it
    created = models.DateTimeField()

    class Meta:
        db_table = "task_update"

    def __str__(self) -> str:
        return f"{self.task_id} {self.status}"
