"""The table of nodes: what operators and engines have said of each."""

from __future__ import annotations

from django.db import models


class Node(models.Model):
    """A machine that tasks run on. The operator owns `is_active`, `is_paused` and `attributes`; no engine ever changes them."""

    hostname = models.CharField(max_length=250, unique=True)
    engine = models.CharField(max_length=50, blank=True)
    agent_id = models.CharField(max_length=250, blank=True)
    pause_reason = models.CharField(max_length=250, null=True)  # noqa: DJ001 null is "not paused" to clients of the original
    is_paused = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    is_online = models.BooleanField(default=False)
    resources = models.JSONField(default=dict)  #: what tasks may have of it: {name: amount}
    attributes = models.JSONField(default=dict, db_default={})  #: what operators say of it: {name: value}
    created = models.DateTimeField()
    deprecated = models.DateTimeField(null=True)
    last_offer_received = models.DateTimeField(null=True)
    last_modified = models.DateTimeField()

    class Meta:
        db_table = "node"
        indexes = [models.Index(fields=["last_modified"], name="node_changed")]

    def __str__(self) -> str:
        return self.hostname
