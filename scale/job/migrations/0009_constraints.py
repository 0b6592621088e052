"""What a job asks of nodes; nothing for jobs of the release before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("job", "0004_files")]

    operations = [migrations.AddField(model_name="job", name="constraints", field=models.JSONField(null=True))]
