"""An event is stored raw: its body, source and time never change, and its state moves as integrations/states.py says."""

from django.db import migrations, models

TRIGGERS = """
CREATE TRIGGER event_moves BEFORE UPDATE OF state ON integrations_event
    FOR EACH ROW EXECUTE FUNCTION countersign_check_move('event');
CREATE TRIGGER event_raw BEFORE UPDATE OF body, body_sha256, source_id, dedupe_key, received_at
    ON integrations_event FOR EACH ROW EXECUTE FUNCTION countersign_never_change();
"""
DROP_TRIGGERS = """
DROP TRIGGER event_raw ON integrations_event;
DROP TRIGGER event_moves ON integrations_event;
"""


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial"), ("approvals", "0002_guards")]
    operations = [
        migrations.AddField(
            "event", "kind", models.CharField(max_length=100, blank=True, default=""), preserve_default=False
        ),
        migrations.AddField("event", "replay_of", models.UUIDField(null=True, blank=True)),
        migrations.AddIndex(
            "event",
            models.Index(fields=["source", "body_sha256", "-received_at"], name="event_twins"),
        ),
        migrations.RunSQL(TRIGGERS, DROP_TRIGGERS),
    ]
