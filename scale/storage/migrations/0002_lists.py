"""Indexes for the list of files: by time, and by name."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("storage", "0001_files")]

    operations = [
        migrations.AddIndex(model_name="file", index=models.Index(fields=["last_modified"], name="scale_file_changed")),
        migrations.AddIndex(model_name="file", index=models.Index(fields=["name"], name="scale_file_by_name")),
    ]
