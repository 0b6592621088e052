"""The shape of the status document, for the OpenAPI document: the scheduler renders it, and nothing is made from this."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

Shape = serializers.Serializer[Any]


class StateOut(Shape):
    """What something is doing now."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()


class NoticeOut(StateOut):
    """A warning, or something that is wrong with a node."""

    started = serializers.DateTimeField()
    last_updated = serializers.DateTimeField()


class StandbyOut(Shape):
    """A scheduler that would take over."""

    hostname = serializers.CharField()
    pid = serializers.IntegerField()
    since = serializers.DateTimeField()


class LeaderOut(StandbyOut):
    """The scheduler that leads."""

    term = serializers.IntegerField(help_text="Each new leader raises it by one.")


class MesosOut(Shape):
    framework_id = serializers.CharField(help_text="Empty: no engine of Mesos.")


class SchedulerStatusOut(Shape):
    """What the scheduler says of itself."""

    hostname = serializers.CharField()
    mesos = MesosOut()
    metrics = serializers.DictField(child=serializers.FloatField(), help_text="Events a second since the document before.")
    state = StateOut()
    warnings = NoticeOut(many=True)
    leader = LeaderOut(allow_null=True)
    standbys = StandbyOut(many=True)


class DatabaseUpdateOut(Shape):
    is_completed = serializers.BooleanField()
    completed = serializers.DateTimeField()


class ServiceOut(Shape):
    """A service that runs as a job; Scale runs none."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    actual_count = serializers.IntegerField()
    desired_count = serializers.IntegerField()


class SystemOut(Shape):
    database_update = DatabaseUpdateOut()
    services = ServiceOut(many=True)


class ResourceOut(Shape):
    """How much there is of one resource."""

    running = serializers.FloatField(help_text="Held by executions.")
    offered = serializers.FloatField()
    free = serializers.FloatField(help_text="Can be had by others.")
    unavailable = serializers.FloatField(help_text="Not for tasks at all.")
    total = serializers.FloatField()


class TypeCountOut(Shape):
    job_type_id = serializers.IntegerField()
    count = serializers.IntegerField()


class CountOut(Shape):
    """So many executions."""

    total = serializers.IntegerField()
    by_job_type = TypeCountOut(many=True)


class FailedCountOut(Shape):
    """So many executions that failed, by whose fault it was."""

    total = serializers.IntegerField()
    algorithm = CountOut()
    data = CountOut()  # type: ignore[assignment]  # no attribute: DRF takes it out
    system = CountOut()


class ExecutionCountsOut(Shape):
    """What runs on a node, and what has ended there in the last three hours."""

    running = CountOut()
    completed = CountOut()
    failed = FailedCountOut()


class NodeTaskOut(Shape):
    """Tasks of one kind that are of no execution."""

    type = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    count = serializers.IntegerField()


class NodeStatusOut(Shape):
    """A node, as the scheduler sees it."""

    id = serializers.IntegerField()
    hostname = serializers.CharField()
    agent_id = serializers.CharField(help_text="Empty while it is away.")
    is_active = serializers.BooleanField()
    state = StateOut()
    errors = NoticeOut(many=True)  # type: ignore[assignment]  # no attribute: DRF takes it out
    warnings = NoticeOut(many=True)
    num_offers = serializers.IntegerField()
    resources = serializers.DictField(child=ResourceOut())
    job_executions = ExecutionCountsOut()
    node_tasks = NodeTaskOut(many=True)
    system_tasks = NodeTaskOut(many=True)


class TypeStatusOut(Shape):
    """A job type."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    is_system = serializers.BooleanField()
    icon_code = serializers.CharField(allow_null=True)


class WaitingCountsOut(Shape):
    total = serializers.IntegerField()
    waiting_for = serializers.DictField(child=serializers.IntegerField(), help_text="How many executions wait for what.")


class StatusOut(Shape):
    """The live status of the whole cluster."""

    timestamp = serializers.DateTimeField()
    scheduler = SchedulerStatusOut()
    system = SystemOut()
    nodes = NodeStatusOut(many=True)
    num_offers = serializers.IntegerField()
    resources = serializers.DictField(child=ResourceOut(), help_text="The sums over the active nodes that are online.")
    job_types = TypeStatusOut(many=True)
    queue = WaitingCountsOut()
    last_updated = serializers.DateTimeField()
