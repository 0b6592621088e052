"""The error app, as Django knows it."""

from django.apps import AppConfig


class ErrorConfig(AppConfig):
    name = "scale.error"
    label = "error"

    def ready(self) -> None:
        from scale.error.services import sync_catalog
        from scale.migrated import ensure_after_migrate

        ensure_after_migrate(self, sync_catalog)
