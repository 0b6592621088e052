"""The scheduler app, as Django knows it."""

from django.apps import AppConfig


class SchedulerConfig(AppConfig):
    name = "scale.scheduler"
    label = "scheduler"

    def ready(self) -> None:
        from scale.migrated import ensure_after_migrate
        from scale.scheduler.services import scheduler_ensure

        ensure_after_migrate(self, scheduler_ensure)
