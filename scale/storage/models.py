"""The tables of workspaces and of the files in them that jobs read or have made."""

from __future__ import annotations

from django.db import models


class Workspace(models.Model):
    """Where files are kept, under a name. The operator owns `is_active`; what is in it stays when it is not."""

    name = models.CharField(max_length=50, unique=True)
    title = models.CharField(max_length=50, blank=True)
    description = models.CharField(max_length=500, blank=True)
    base_url = models.CharField(max_length=2000, null=True)  # noqa: DJ001 null is "none" to clients of the original
    configuration = models.JSONField(default=dict)  #: {"broker": {"type": "host", "host_path": an absolute path}}
    is_active = models.BooleanField(default=True)
    created = models.DateTimeField()
    deprecated = models.DateTimeField(null=True)
    last_modified = models.DateTimeField()

    class Meta:
        db_table = "workspace"

    def __str__(self) -> str:
        return self.name


class File(models.Model):
    """A file that a job reads or has made."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT)
    path = models.CharField(max_length=1000)  #: below the root of its workspace
    name = models.CharField(max_length=250)
    media_type = models.CharField(max_length=250, blank=True)
    size = models.BigIntegerField()  #: bytes
    job = models.ForeignKey("job.Job", null=True, on_delete=models.PROTECT)  #: that made it
    job_exe = models.ForeignKey("job.JobExecution", null=True, on_delete=models.PROTECT)
    job_output = models.CharField(max_length=250, null=True)  # noqa: DJ001 null is "made by no job"
    meta_data = models.JSONField(default=dict)  #: what its side-car said
    data_started = models.DateTimeField(null=True)
    data_ended = models.DateTimeField(null=True)
    is_deleted = models.BooleanField(default=False)
    deleted = models.DateTimeField(null=True)
    created = models.DateTimeField()
    last_modified = models.DateTimeField()

    class Meta:
        db_table = "scale_file"
        constraints = [models.UniqueConstraint(fields=["workspace", "path"], name="scale_file_one_of_each_path")]
        indexes = [
            models.Index(fields=["last_modified"], name="scale_file_changed"),
            models.Index(fields=["name"], name="scale_file_by_name"),
        ]

    def __str__(self) -> str:
        return f"{self.workspace}:{self.path}"
