"""The table of errors: the built-in ones and those that job types own."""

from __future__ import annotations

from django.db import models

from scale.error.catalog import Category


class Error(models.Model):
    """Why a job failed. Built-in errors have no job type's name."""

    name = models.CharField(max_length=50)
    job_type_name = models.CharField(max_length=250, null=True)  # noqa: DJ001 null is "built in" to clients of the original
    title = models.CharField(max_length=50, blank=True)
    description = models.CharField(max_length=250, blank=True)
    category = models.CharField(max_length=50, choices=[(c, c) for c in Category], default=Category.SYSTEM)
    is_builtin = models.BooleanField(default=False)
    should_be_retried = models.BooleanField(default=False)
    created = models.DateTimeField()
    last_modified = models.DateTimeField()

    class Meta:
        db_table = "error"
        constraints = [
            models.UniqueConstraint(fields=["job_type_name", "name"], name="error_one_of_each_name_per_type"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(job_type_name__isnull=True), name="error_one_builtin_of_each_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name
