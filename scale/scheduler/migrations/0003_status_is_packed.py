from django.db import migrations, models


def forget_the_status(apps, schema_editor):
    """What stands there is not compressed; a scheduler that runs writes it anew within two seconds."""
    apps.get_model("scheduler", "Status").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ("scheduler", "0002_leader"),
    ]

    operations = [
        migrations.RunPython(forget_the_status, migrations.RunPython.noop),
        migrations.AddField("status", "etag", models.CharField(max_length=32, default=""), preserve_default=False),
    ]
