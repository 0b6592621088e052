"""The job app, as Django knows it."""

from django.apps import AppConfig


class JobConfig(AppConfig):
    name = "scale.job"
    label = "job"

    def ready(self) -> None:
        from scale.database import use_all_that_sqlite_takes, wait_for_no_lock_for_ever
        from scale.job.services import command_type_ensure, forget_changed_types
        from scale.migrated import ensure_after_migrate

        use_all_that_sqlite_takes()
        wait_for_no_lock_for_ever()
        forget_changed_types()
        ensure_after_migrate(self, command_type_ensure)
