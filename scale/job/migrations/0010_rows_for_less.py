"""Fewer indexes and fewer checks of foreign keys on the tables that every job writes to; see decision 47."""

from django.db import migrations, models
from django.db.models import PROTECT, ForeignKey

from scale.loosened import loosened

BARE = {"on_delete": PROTECT, "db_constraint": False, "db_index": False}
TYPE, NODE, ERROR = "job.jobtype", "node.node", "error.error"
ONE_HEIR = "job_superseded_job_id_key"


def index_heirs(apps, editor):
    """On PostgreSQL an index that holds only those that have one; SQLite never writes to its own again."""
    if editor.connection.vendor == "postgresql":
        editor.execute(f"ALTER TABLE job DROP CONSTRAINT IF EXISTS {ONE_HEIR}")
        editor.execute(f"CREATE UNIQUE INDEX {ONE_HEIR} ON job (superseded_job_id) WHERE superseded_job_id IS NOT NULL")


def index_all(apps, editor):
    if editor.connection.vendor == "postgresql":
        editor.execute(f"DROP INDEX {ONE_HEIR}")
        editor.execute(f"ALTER TABLE job ADD CONSTRAINT {ONE_HEIR} UNIQUE (superseded_job_id)")


class Migration(migrations.Migration):
    dependencies = [("error", "0001_initial"), ("job", "0009_dependencies"), ("node", "0003_attributes")]

    operations = [
        migrations.AddIndex(
            model_name="job",
            index=models.Index(condition=models.Q(("error__isnull", False)), fields=["error"], name="job_with_error"),
        ),
        migrations.RemoveIndex(model_name="jobexecution", name="job_exe_by_cluster_id"),
        migrations.RunPython(index_heirs, index_all),
        loosened(
            [
                ("job", "job_type", ForeignKey(TYPE, on_delete=PROTECT, db_constraint=False)),
                ("job", "job_type_rev", ForeignKey("job.jobtyperevision", **BARE)),
                ("job", "node", ForeignKey(NODE, null=True, **BARE)),
                ("job", "error", ForeignKey(ERROR, null=True, **BARE)),
                ("jobexecution", "job", ForeignKey("job.job", on_delete=PROTECT, db_index=False)),
                ("jobexecution", "job_type", ForeignKey(TYPE, **BARE)),
                ("jobexecution", "node", ForeignKey(NODE, null=True, **BARE)),
                ("jobexecutionend", "job", ForeignKey("job.job", **BARE)),
                ("jobexecutionend", "job_type", ForeignKey(TYPE, **BARE)),
                ("jobexecutionend", "error", ForeignKey(ERROR, null=True, **BARE)),
                ("jobexecutionend", "node", ForeignKey(NODE, null=True, **BARE)),
            ],
            indexes=[
                "job_job_type_rev_id_cc0dd341 ON job (job_type_rev_id)",
                "job_node_id_1ba22e0e ON job (node_id)",
                "job_error_id_399b2923 ON job (error_id)",
                "job_exe_job_id_a162b6be ON job_exe (job_id)",
                "job_exe_job_type_id_1655d0ee ON job_exe (job_type_id)",
                "job_exe_node_id_3d968ce6 ON job_exe (node_id)",
                "job_exe_end_job_id_1b14b8ba ON job_exe_end (job_id)",
                "job_exe_end_job_type_id_14a32f7b ON job_exe_end (job_type_id)",
                "job_exe_end_error_id_25863784 ON job_exe_end (error_id)",
                "job_exe_end_node_id_5652085b ON job_exe_end (node_id)",
            ],
            checks=[
                "job job_job_type_id_56326875_fk_job_type_id job_type_id job_type",
                "job job_job_type_rev_id_cc0dd341_fk_job_type_revision_id job_type_rev_id job_type_revision",
                "job job_node_id_1ba22e0e_fk_node_id node_id node",
                "job job_error_id_399b2923_fk_error_id error_id error",
                "job_exe job_exe_job_type_id_1655d0ee_fk_job_type_id job_type_id job_type",
                "job_exe job_exe_node_id_3d968ce6_fk_node_id node_id node",
                "job_exe_end job_exe_end_job_id_1b14b8ba_fk_job_id job_id job",
                "job_exe_end job_exe_end_job_type_id_14a32f7b_fk_job_type_id job_type_id job_type",
                "job_exe_end job_exe_end_error_id_25863784_fk_error_id error_id error",
                "job_exe_end job_exe_end_node_id_5652085b_fk_node_id node_id node",
            ],
        ),
    ]
