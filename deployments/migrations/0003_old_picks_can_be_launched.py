"""What was picked before other tiers were compared could all be launched."""

from django.db import migrations
from django.db.models import F


def copy_picks(apps, schema_editor):
    recommendations = apps.get_model("deployments", "Recommendation")
    recommendations.objects.filter(launch_pick="").update(launch_pick=F("pick"))


class Migration(migrations.Migration):
    dependencies = [("deployments", "0002_plans_probes_and_moves")]

    operations = [migrations.RunPython(copy_picks, migrations.RunPython.noop)]
