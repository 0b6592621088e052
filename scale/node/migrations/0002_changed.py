"""An index for what the scheduler asks in every turn: which nodes have changed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("node", "0001_initial")]

    operations = [migrations.AddIndex(model_name="node", index=models.Index(fields=["last_modified"], name="node_changed"))]
