"""One index for a job's entries, and no check of its type; see decision 47."""

from django.db import migrations
from django.db.models import PROTECT, ForeignKey

from scale.loosened import loosened


class Migration(migrations.Migration):
    dependencies = [("job", "0010_rows_for_less"), ("queue", "0004_left")]

    operations = [
        loosened(
            [
                ("queue", "job", ForeignKey("job.job", on_delete=PROTECT, db_index=False)),
                ("queue", "job_type", ForeignKey("job.jobtype", on_delete=PROTECT, db_constraint=False, db_index=False)),
            ],
            indexes=["queue_job_id_fab5d74b ON queue (job_id)", "queue_job_type_id_da31f6c7 ON queue (job_type_id)"],
            checks=["queue queue_job_type_id_da31f6c7_fk_job_type_id job_type_id job_type"],
        )
    ]
