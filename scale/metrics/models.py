"""The table of loads: how many jobs there were of each type, hour by hour."""

from __future__ import annotations

from django.db import models


class JobLoad(models.Model):
    """How many jobs of a type were not over at a full hour. Where there were none at all, one row has no type and no jobs."""

    job_type = models.ForeignKey("job.JobType", null=True, on_delete=models.PROTECT)
    measured = models.DateTimeField()
    pending_count = models.IntegerField()
    queued_count = models.IntegerField()
    running_count = models.IntegerField()
    total_count = models.IntegerField()

    class Meta:
        db_table = "job_load"
        constraints = [models.UniqueConstraint(fields=["measured", "job_type"], name="job_load_measured_once")]

    def __str__(self) -> str:
        return f"{self.total_count} jobs at {self.measured}"
