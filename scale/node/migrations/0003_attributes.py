"""What operators say of a node. The release before this one inserts nodes without it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("node", "0002_changed")]

    operations = [
        migrations.AddField(model_name="node", name="attributes", field=models.JSONField(db_default={}, default=dict)),
    ]
