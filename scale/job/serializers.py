"""The shapes of jobs, job types and executions. What Scale has no notion of yet (recipes, batches, events) is null."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from scale.engines.protocol import Stream
from scale.error.catalog import Category
from scale.error.serializers import ErrorOut
from scale.job.arrays.serializers import ArrayBriefOut, array_brief
from scale.job.dependencies import When
from scale.job.execution.configuration import without_secrets
from scale.job.models import Job, JobExecution, JobType, JobTypeRevision
from scale.job.states import ExecutionStatus, JobStatus
from scale.node.serializers import NodeBriefOut
from scale.queue.constraints import Strategy
from scale.queue.serializers import WaitingOut
from scale.shapes import shaped


@extend_schema_field({"type": "null"})
class NullField(serializers.Field[None, None, None, Any]):
    """Always null."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(**{"read_only": True, **rest})

    def get_attribute(self, instance: Any) -> None:
        return None

    def to_representation(self, value: None) -> None:
        return None


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "null"}]})
class CommandField(serializers.JSONField):
    """Text for a shell, or a program with its arguments."""


class WishField(serializers.Field[Any, None, Any, Any]):
    """A member of what a job asks of nodes, as `document_of` keeps it."""

    def __init__(self, default: Any, **rest: Any) -> None:
        self._default = default
        super().__init__(read_only=True, **rest)

    def get_attribute(self, instance: Job) -> Any:
        return (instance.constraints or {}).get(self.field_name, self._default)

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "array", "items": {"type": "object"}})
class ConstraintsField(WishField):
    """A list of objects with attribute, op and value."""


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class HostsField(WishField):
    """A list of hostnames."""


@extend_schema_field({"type": ["string", "null"], "enum": [*Strategy, None]})
class StrategyField(WishField):
    """How a node is chosen among several."""


class JobTypeBriefOut(serializers.ModelSerializer[JobType]):
    """A job type, where something else is told."""

    title = serializers.CharField(read_only=True)
    description = serializers.CharField(read_only=True)

    class Meta:
        model = JobType
        fields: tuple[str, ...] = (
            "id",
            "name",
            "version",
            "title",
            "description",
            "is_active",
            "is_system",
            "is_paused",
            "is_published",
            "icon_code",
            "unmet_resources",
        )
        read_only_fields: tuple[str, ...] = fields


class JobTypeOut(JobTypeBriefOut):
    """A job type."""

    class Meta(JobTypeBriefOut.Meta):
        fields: tuple[str, ...] = (
            *JobTypeBriefOut.Meta.fields,
            "max_scheduled",
            "max_tries",
            "revision_num",
            "docker_image",
            "created",
            "deprecated",
            "paused",
            "last_modified",
        )
        read_only_fields: tuple[str, ...] = fields


class JobTypeDetailOut(JobTypeOut):
    """A job type, with all that is known of it."""

    recipe_types = serializers.SerializerMethodField()

    class Meta(JobTypeOut.Meta):
        fields = (*JobTypeOut.Meta.fields, "manifest", "configuration", "recipe_types")
        read_only_fields = fields

    @extend_schema_field({"type": "array", "items": {"type": "object"}})
    def get_recipe_types(self, job_type: JobType) -> list[object]:
        return []


class JobCountOut(serializers.Serializer[Any]):
    """So many jobs of one status, and of one category of error if they failed."""

    status = serializers.ChoiceField(choices=[(s, s) for s in JobStatus])
    count = serializers.IntegerField()
    most_recent = serializers.DateTimeField(allow_null=True, help_text="When the last of them came to this status.")
    category = serializers.ChoiceField(choices=[(c, c) for c in Category], allow_null=True)


class JobTypeStatusOut(serializers.Serializer[Any]):
    """A job type and how many of its jobs are of which status."""

    job_type = JobTypeBriefOut()
    job_counts = JobCountOut(many=True)


class FindingOut(serializers.Serializer[Any]):
    """One thing that is wrong with a manifest or a configuration, or that was hardly meant."""

    name = serializers.CharField(help_text="The code of the check.")
    description = serializers.CharField(help_text="What is wrong, and what would be right.")
    pointer = serializers.CharField(help_text="Its place, as a JSON pointer (RFC 6901).")


class ValidityOut(serializers.Serializer[Any]):
    """What there is to say of a manifest and a configuration."""

    is_valid = serializers.BooleanField()  # type: ignore[assignment]  # no attribute: DRF takes it out
    errors = FindingOut(many=True)  # type: ignore[assignment]  # no attribute: DRF takes it out
    warnings = FindingOut(many=True)


class ReferenceOut(serializers.Serializer[Any]):
    """Something that has a page of its own."""

    id = serializers.IntegerField()


@extend_schema_field(ReferenceOut)
class ReferenceField(serializers.Field[Any, None, dict[str, int], Any]):
    """The same, from no more than its id."""

    def __init__(self, source: str, **rest: Any) -> None:
        super().__init__(source=source, read_only=True, **rest)

    def to_representation(self, value: int) -> dict[str, int]:
        return {"id": value}


class JobTypeRevisionOut(serializers.ModelSerializer[JobTypeRevision]):
    """The revision of its type that a job keeps to."""

    job_type = ReferenceField(source="job_type_id")

    class Meta:
        model = JobTypeRevision
        fields = ("id", "job_type", "revision_num")
        read_only_fields = fields


class JobOut(serializers.ModelSerializer[Job]):
    """A job."""

    job_type = JobTypeBriefOut(read_only=True)
    job_type_rev = JobTypeRevisionOut(read_only=True)
    event = NullField()
    ingest_event = NullField()
    recipe = NullField()
    batch = NullField()
    superseded_job = ReferenceField(source="superseded_job_id", allow_null=True)
    node = NodeBriefOut(read_only=True, allow_null=True)
    error = ErrorOut(read_only=True, allow_null=True)
    input_files = serializers.SerializerMethodField()
    source_started = NullField()
    source_ended = NullField()
    source_sensor_class = NullField()
    source_sensor = NullField()
    source_collection = NullField()
    source_task = NullField()
    owner = serializers.CharField(source="owner.username", read_only=True)
    labels = serializers.DictField(child=serializers.CharField(), read_only=True)
    command = CommandField(read_only=True, allow_null=True)
    array = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields: tuple[str, ...] = (
            "id",
            "job_type",
            "status",
            "job_type_rev",
            "event",
            "ingest_event",
            "recipe",
            "batch",
            "is_superseded",
            "superseded_job",
            "node",
            "error",
            "max_tries",
            "num_exes",
            "input_file_size",
            "input_files",
            "source_started",
            "source_ended",
            "source_sensor_class",
            "source_sensor",
            "source_collection",
            "source_task",
            "created",
            "queued",
            "started",
            "ended",
            "last_status_change",
            "superseded",
            "last_modified",
            "name",
            "owner",
            "priority",
            "labels",
            "command",
            "timeout",
            "retry_on",
            "array",
            "held",
        )
        read_only_fields: tuple[str, ...] = fields

    @extend_schema_field(ArrayBriefOut(allow_null=True))
    def get_array(self, job: Job) -> dict[str, Any] | None:
        return array_brief(job)

    @extend_schema_field({"type": "array", "items": {"type": "object"}})
    def get_input_files(self, job: Job) -> list[object]:
        return []


class JobSubmittedOut(JobOut):
    """A job; of an array, its first member, and the ids of all."""

    job_ids = serializers.ListField(child=serializers.IntegerField(), required=False, help_text="Of an array, in order.")

    class Meta(JobOut.Meta):
        fields = (*JobOut.Meta.fields, "job_ids")


class JobExecutionOut(serializers.ModelSerializer[JobExecution]):
    """One try at a job."""

    status = serializers.ChoiceField(choices=[(s, s) for s in ExecutionStatus], read_only=True)
    ended = serializers.DateTimeField(source="jobexecutionend.ended", read_only=True, allow_null=True)
    job = ReferenceField(source="job_id")
    node = NodeBriefOut(read_only=True, allow_null=True)
    error = ErrorOut(source="jobexecutionend.error", read_only=True, allow_null=True)
    job_type = JobTypeBriefOut(read_only=True)
    exit_code = serializers.IntegerField(source="jobexecutionend.exit_code", read_only=True, allow_null=True)
    signal = serializers.IntegerField(source="jobexecutionend.signal", read_only=True, allow_null=True)
    cpu_seconds = serializers.FloatField(source="jobexecutionend.cpu_seconds", read_only=True, allow_null=True)
    peak_memory = serializers.FloatField(
        source="jobexecutionend.peak_memory", read_only=True, allow_null=True, help_text="MiB, the largest of its tasks."
    )
    message = serializers.CharField(
        source="jobexecutionend.message",
        read_only=True,
        allow_null=True,
        help_text="What the engine, or a step, said of its end.",
    )

    class Meta:
        model = JobExecution
        fields: tuple[str, ...] = (
            "id",
            "status",
            "exe_num",
            "cluster_id",
            "created",
            "queued",
            "started",
            "ended",
            "job",
            "node",
            "error",
            "job_type",
            "timeout",
            "input_file_size",
            "exit_code",
            "signal",
            "cpu_seconds",
            "peak_memory",
            "message",
        )
        read_only_fields: tuple[str, ...] = fields


class JobExecutionDetailOut(JobExecutionOut):
    """One try at a job, with all that is known of it."""

    task_results = serializers.JSONField(source="jobexecutionend.task_results", read_only=True, allow_null=True)
    resources = serializers.DictField(child=serializers.FloatField(), read_only=True)
    configuration = serializers.SerializerMethodField()
    output = serializers.JSONField(source="jobexecutionoutput.output", read_only=True, allow_null=True)

    @extend_schema_field({"type": "object", "additionalProperties": {}})
    def get_configuration(self, execution: JobExecution) -> dict[str, Any]:
        return without_secrets(execution.configuration)

    class Meta(JobExecutionOut.Meta):
        fields = (*JobExecutionOut.Meta.fields, "task_results", "resources", "configuration", "output")
        read_only_fields = fields


class DependencyOut(serializers.Serializer[Any]):
    """A job that another one waits or waited for."""

    job = serializers.IntegerField()
    when = serializers.ChoiceField(choices=[(w, w) for w in When], help_text="For which end of it.")
    status = serializers.ChoiceField(choices=[(s, s) for s in JobStatus], help_text="As it is now.")


class JobDetailOut(JobOut):
    """A job, with all that is known of it; as `job_found` gives it."""

    superseded_by_job = ReferenceField(source="superseded_by_job.pk", allow_null=True)
    resources = serializers.DictField(child=serializers.FloatField(), read_only=True)
    execution = serializers.SerializerMethodField()
    env = serializers.DictField(child=serializers.CharField(), read_only=True)
    waiting = serializers.SerializerMethodField()
    depends_on = serializers.SerializerMethodField()
    constraints = ConstraintsField([])
    hosts = HostsField([])
    avoid_hosts = HostsField([])
    placement = StrategyField(None)

    class Meta(JobOut.Meta):
        fields = (
            *JobOut.Meta.fields,
            "superseded_by_job",
            "resources",
            "execution",
            "input",
            "output",
            "configuration",
            "env",
            "working_dir",
            "waiting",
            "depends_on",
            "constraints",
            "hosts",
            "avoid_hosts",
            "placement",
        )
        read_only_fields = fields

    @extend_schema_field(JobExecutionOut(allow_null=True))
    def get_execution(self, job: Job) -> dict[str, Any] | None:
        latest = next(iter(vars(job)["latest"]), None)
        return shaped(JobExecutionOut, latest) if latest else None

    @extend_schema_field(DependencyOut(many=True))
    def get_depends_on(self, job: Job) -> list[dict[str, Any]]:
        return [{"job": on, "when": when, "status": status} for on, when, status in vars(job)["depends_on"]]

    @extend_schema_field(WaitingOut(allow_null=True))
    def get_waiting(self, job: Job) -> dict[str, Any] | None:
        waiting = vars(job)["waiting"]
        return shaped(WaitingOut, waiting) if waiting else None


class LogOut(serializers.Serializer[Any]):
    """What a task has written, as JSON."""

    task_id = serializers.CharField()
    stream = serializers.ChoiceField(choices=[(s, s) for s in Stream])
    text = serializers.CharField(help_text="Bytes that are no UTF-8 are replaced.")


class JobIdsOut(serializers.Serializer[Any]):
    """The jobs that were made, in the order in which they were asked for."""

    ids = serializers.ListField(child=serializers.IntegerField())
    array_ids = serializers.ListField(
        child=serializers.IntegerField(allow_null=True),
        help_text="Of those that were asked for as arrays, in that order; null for one whose first member is deleted.",
    )
