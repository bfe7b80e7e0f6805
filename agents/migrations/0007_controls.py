"""No effect begins on a seeded control: there is no action behind one, and if there ever were, this would refuse it."""

from importlib import import_module

from django.db import migrations

_BEFORE = import_module("agents.migrations.0005_supervised_halts").BEGIN_EFFECT
_ASKED = "IF NOT FOUND OR q.state <> 'approved' OR"
BEGIN_EFFECT = _BEFORE.replace(_ASKED, "IF NOT FOUND OR q.control OR q.state <> 'approved' OR")


class Migration(migrations.Migration):
    dependencies = [("agents", "0006_rollbacks"), ("approvals", "0014_labels")]
    operations = [migrations.RunSQL(BEGIN_EFFECT, _BEFORE)]
