"""The shapes of counts by type, of loads, of what is asked of the cluster, and of plots."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from scale.error.catalog import Category
from scale.error.serializers import ErrorOut
from scale.job.serializers import JobTypeBriefOut
from scale.metrics.columns import Aggregate


class TypePendingOut(serializers.Serializer[Any]):
    """A job type, and those of its jobs that cannot be queued yet."""

    job_type = JobTypeBriefOut()
    count = serializers.IntegerField()
    longest_pending = serializers.DateTimeField(source="longest", help_text="Since when the first of them waits.")


class TypeRunningOut(serializers.Serializer[Any]):
    """A job type, and those of its jobs that run."""

    job_type = JobTypeBriefOut()
    count = serializers.IntegerField()
    longest_running = serializers.DateTimeField(source="longest", help_text="Since when the first of them runs.")


class SystemFailureOut(serializers.Serializer[Any]):
    """A job type, and those of its jobs that failed by one fault of the system."""

    job_type = JobTypeBriefOut()
    error = ErrorOut()
    count = serializers.IntegerField()
    first_error = serializers.DateTimeField(help_text="When the first of them failed.")
    last_error = serializers.DateTimeField(help_text="When the last of them failed.")


class LoadOut(serializers.Serializer[Any]):
    """How many jobs were not over at a full hour."""

    time = serializers.DateTimeField(source="measured")
    pending_count = serializers.IntegerField()
    queued_count = serializers.IntegerField()
    running_count = serializers.IntegerField()


class QueueLengthsOut(serializers.Serializer[Any]):
    """How many wait to be queued, wait on the queue, and run."""

    PENDING = serializers.IntegerField()
    QUEUED = serializers.IntegerField()
    RUNNING = serializers.IntegerField()


class QueuedAmountsOut(serializers.Serializer[Any]):
    """What these need altogether, by the name of the resource."""

    PENDING = serializers.DictField(child=serializers.FloatField())
    QUEUED = serializers.DictField(child=serializers.FloatField())
    RUNNING = serializers.DictField(child=serializers.FloatField())


class DemandOut(serializers.Serializer[Any]):
    """What jobs ask of the cluster, and what it has."""

    cluster_resources = serializers.DictField(
        child=serializers.FloatField(), help_text="Of the nodes that are active and online, altogether."
    )
    queue_lengths = QueueLengthsOut()
    total_resources = QueuedAmountsOut()


class GroupOut(serializers.Serializer[Any]):
    """Columns that belong together."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()


class ColumnOut(serializers.Serializer[Any]):
    """Something that can be plotted."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    units = serializers.CharField(help_text="`count`, `seconds` or `MiB`.")
    group = serializers.CharField()
    aggregate = serializers.ChoiceField(choices=[(a, a) for a in Aggregate], help_text="What becomes of the values of an hour.")


class KindOut(serializers.Serializer[Any]):
    """A kind of metrics."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    groups = GroupOut(many=True)
    columns = ColumnOut(many=True)


class ChoiceOut(serializers.Serializer[Any]):
    """What a line may be drawn of: a job type, or an error."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.CharField(allow_null=True, help_text="Of a job type.")
    title = serializers.CharField()
    description = serializers.CharField()
    category = serializers.ChoiceField(choices=[(c, c) for c in Category], allow_null=True, help_text="Of an error.")


class KindDetailOut(KindOut):
    """A kind of metrics, with what lines may be drawn of."""

    choices = ChoiceOut(many=True)


class PlotValueOut(serializers.Serializer[Any]):
    """What came of an hour or a day."""

    datetime = serializers.DateTimeField(help_text="Its beginning, in UTC.")
    value = serializers.FloatField()
    id = serializers.IntegerField(required=False, help_text="Of the choice, where there are any.")


@extend_schema_field(PlotValueOut(many=True))
class ReadyField(serializers.Field[Any, None, Any, Any]):
    """As it is: of thousands, each is made only once."""

    def to_representation(self, value: Any) -> Any:
        return value


class PlotOut(serializers.Serializer[Any]):
    """A column, drawn; an hour in which nothing ended has no value."""

    column = ColumnOut()
    min_x = serializers.DateTimeField(allow_null=True)
    max_x = serializers.DateTimeField(allow_null=True)
    min_y = serializers.FloatField(allow_null=True)
    max_y = serializers.FloatField(allow_null=True)
    values = ReadyField(read_only=True)
