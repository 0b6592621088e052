from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("job", "0007_arrays_and_commands")]

    operations = [
        migrations.AddField(model_name="job", name="secrets", field=models.JSONField(null=True)),
    ]
