from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("approvals", "0006_policy_replays")]

    operations = [
        migrations.AddIndex(
            model_name="request",
            index=models.Index(
                condition=models.Q(("state", "open"), _negated=True),
                fields=["tool", "-settled_at"],
                name="request_settled_by_tool",
            ),
        ),
    ]
