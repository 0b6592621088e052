"""Reads of the nodes."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from scale.database import SelectModels
from scale.kernel.errors import NotFound
from scale.node.filters import NodeFilter
from scale.node.models import Node
from scale.parameters import given

_ALL = SelectModels(Node, "ORDER BY id")
_CHANGED = SelectModels(Node, "WHERE last_modified >= %s")


def nodes_selected(wanted: NodeFilter) -> QuerySet[Node]:
    conditions = given(last_modified__gte=wanted.started, last_modified__lte=wanted.ended, is_active=wanted.is_active)
    return Node.objects.filter(**conditions).order_by(*wanted.order, "id")


def node_found(node_id: int) -> Node:
    """:raises NotFound: there is none"""
    node = Node.objects.filter(pk=node_id).first()
    if node is None:
        raise NotFound(f"There is no node {node_id}.")
    return node


def nodes_changed_since(when: datetime | None) -> list[Node]:
    """The nodes of which anything was said since then, in no order; all of them if it is None."""
    return _ALL.all() if when is None else _CHANGED.all([when])
