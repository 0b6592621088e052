"""What a job asks of nodes; nothing for jobs of the release before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("job", "0005_secrets")]

    operations = [migrations.AddField(model_name="job", name="constraints", field=models.JSONField(null=True))]
