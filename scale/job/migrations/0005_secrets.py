"""Where the secret settings of job types are kept, sealed. A release that does not know of it leaves it empty."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("job", "0004_files")]

    operations = [migrations.AddField(model_name="jobtype", name="secrets", field=models.JSONField(default=dict, db_default={}))]
