"""Writes to the nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from scale.database import again_on_conflict
from scale.kernel.errors import NotFound
from scale.node.changes import attributes_merged
from scale.node.models import Node
from scale.node.seen import SeenNode
from scale.present import ring_after_commit


@again_on_conflict
@transaction.atomic
def node_edit(*, node_id: int, changes: Mapping[str, Any], when: datetime) -> Node:
    """Change what the operator owns of a node.

    :raises NotFound: there is no such node
    :raises Invalid: it would have too many attributes
    """
    node = Node.objects.select_for_update().filter(pk=node_id).first()
    if node is None:
        raise NotFound(f"There is no node {node_id}.")
    was_active = node.is_active
    if "attributes" in changes:
        changes = {**changes, "attributes": attributes_merged(node.attributes, changes["attributes"])}
    for column, value in changes.items():
        setattr(node, column, value)
    if changes.get("is_paused") is False:
        node.pause_reason = None
    if node.is_active != was_active:
        node.deprecated = None if node.is_active else when
    node.last_modified = when
    node.save(update_fields=[*changes, "pause_reason", "deprecated", "last_modified"])
    ring_after_commit()
    return node


@transaction.atomic
def nodes_record(*, seen: Iterable[SeenNode], when: datetime) -> list[Node]:
    """Record what engines say of nodes, new ones included; what operators own is left alone. Returns their rows."""
    reports = {one.report.hostname: one for one in seen}
    rows = [_row(one, when) for one in reports.values()]
    Node.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["hostname"],
        update_fields=["engine", "agent_id", "is_online", "resources", "last_offer_received", "last_modified"],
    )
    return list(Node.objects.filter(hostname__in=list(reports)))


def _row(one: SeenNode, when: datetime) -> Node:
    return Node(
        hostname=one.report.hostname,
        engine=one.engine,
        agent_id=one.report.node,
        is_online=one.report.is_online,
        resources=dict(one.report.offered),
        last_offer_received=one.report.when,
        created=when,
        last_modified=when,
    )
