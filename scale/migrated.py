"""Rows that belong to the schema: made after every migration, wherever the tables stand as the models say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models.signals import post_migrate

from scale.present import clock


def ensure_after_migrate(app: AppConfig, ensure: Callable[[datetime], object]) -> None:
    """Call `ensure(when)` after each migration; also after a test has emptied the tables."""

    def handler(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
        if using == DEFAULT_DB_ALIAS and _is_current(app, using):
            ensure(clock().now())

    post_migrate.connect(handler, sender=app, weak=False, dispatch_uid=f"{app.label} ensures its rows")


def _is_current(app: AppConfig, using: str) -> bool:
    """Whether the app's tables have every column of its models; not so half-way back to an older release."""
    connection = connections[using]
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        return all(
            model._meta.db_table in tables
            and {column.name for column in connection.introspection.get_table_description(cursor, model._meta.db_table)}
            >= {field.column for field in model._meta.local_concrete_fields}
            for model in app.get_models()
        )
