"""Rows of the audit trail enter a sealed chain, can be erased without breaking it, and come to a signed checkpoint."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import approvals.models.audit
import config.ids

# What goes into the chain, as exact text. The export carries these texts as they are, so nobody has to build them again.
TEXTS = """
CREATE FUNCTION countersign_audit_header(e approvals_auditevent) RETURNS text LANGUAGE sql STABLE AS $$
SELECT jsonb_build_object(
    'seq', e.seq, 'xid', e.xid, 'at', to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'actor', e.actor, 'actor_kind', e.actor_kind, 'verb', e.verb,
    'subject_type', e.subject_type, 'subject_id', e.subject_id, 'run', e.run_id, 'agent', e.agent,
    'from', e.from_state, 'to', e.to_state)::text $$;

CREATE FUNCTION countersign_audit_payload(p_subject text, p_digest text, p_data jsonb) RETURNS text
LANGUAGE sql IMMUTABLE AS
$$ SELECT jsonb_build_object('subject', p_subject, 'digest', p_digest, 'data', p_data)::text $$;
"""

DROP_TEXTS = """
DROP FUNCTION countersign_audit_payload(text, text, jsonb);
DROP FUNCTION countersign_audit_header(approvals_auditevent);
"""

# The writer has no say in time, transaction and hash. One trigger, no second table: a row costs one insert as before.
WRITING = """
CREATE FUNCTION countersign_audit_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.at := clock_timestamp();
    NEW.xid := pg_current_xact_id()::text::bigint;
    NEW.salt := uuid_send(gen_random_uuid());
    NEW.payload_hash := sha256(NEW.salt || convert_to(
        jsonb_build_object('subject', NEW.subject, 'digest', NEW.digest, 'data', NEW.data)::text, 'UTF8'));
    RETURN NEW;
END $$;
CREATE TRIGGER audit_write BEFORE INSERT ON approvals_auditevent
    FOR EACH ROW EXECUTE FUNCTION countersign_audit_write();
"""

DROP_WRITING = """
DROP TRIGGER audit_write ON approvals_auditevent;
DROP FUNCTION countersign_audit_write();
"""

# An UPDATE passes only when it is an erasure and nothing else: old enough, not held, hash kept.
ERASING = """
CREATE FUNCTION countersign_audit_floor() RETURNS interval LANGUAGE sql IMMUTABLE AS $$ SELECT interval '190 days' $$;

CREATE FUNCTION countersign_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.salt IS NOT NULL
       AND OLD.at < clock_timestamp() - countersign_audit_floor()
       AND OLD.verb NOT LIKE 'audit.%'
       AND NOT EXISTS (SELECT 1 FROM approvals_legalhold WHERE subject = OLD.subject AND lifted_at IS NULL)
    THEN
        OLD.salt := NULL; OLD.subject := ''; OLD.digest := ''; OLD.data := '{}';
        IF NEW IS NOT DISTINCT FROM OLD THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
DROP TRIGGER audit_rows ON approvals_auditevent;
CREATE TRIGGER audit_rows BEFORE UPDATE OR DELETE ON approvals_auditevent
    FOR EACH ROW EXECUTE FUNCTION countersign_audit_change();

-- Runs as the tables' owner: the app's role may change no row of the trail in any other way.
CREATE FUNCTION countersign_erase_audit(p_subject text, p_actor text, p_reason text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    erased bigint[];
    kept bigint;
BEGIN
    IF coalesce(p_subject, '') = '' OR coalesce(p_reason, '') = '' THEN
        RAISE EXCEPTION 'a subject and a reason are needed' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM approvals_legalhold WHERE subject = p_subject AND lifted_at IS NULL) THEN
        RETURN jsonb_build_object('held', true, 'erased', 0, 'kept', 0);
    END IF;
    WITH gone AS (
        UPDATE approvals_auditevent SET salt = NULL, subject = '', digest = '', data = '{}'
         WHERE subject = p_subject AND salt IS NOT NULL AND verb NOT LIKE 'audit.%'
           AND at < clock_timestamp() - countersign_audit_floor()
        RETURNING seq
    ) SELECT array_agg(seq ORDER BY seq) INTO erased FROM gone;
    SELECT count(*) INTO kept FROM approvals_auditevent WHERE subject = p_subject AND salt IS NOT NULL;
    INSERT INTO approvals_auditevent (actor, actor_kind, verb, subject_type, subject_id, subject, agent,
                                      from_state, to_state, digest, data)
    VALUES (p_actor, 'person', 'audit.erased', 'audit', 'erasure', 'one subject', '', '', '', '',
            jsonb_build_object('reason', p_reason, 'rows', coalesce(to_jsonb(erased), '[]'::jsonb), 'kept', kept));
    RETURN jsonb_build_object('held', false, 'erased', coalesce(cardinality(erased), 0), 'kept', kept);
END $$;
"""

DROP_ERASING = """
DROP FUNCTION countersign_erase_audit(text, text, text);
DROP TRIGGER audit_rows ON approvals_auditevent;
CREATE TRIGGER audit_rows BEFORE UPDATE OR DELETE ON approvals_auditevent
    FOR EACH ROW EXECUTE FUNCTION countersign_never_change();
DROP FUNCTION countersign_audit_change();
DROP FUNCTION countersign_audit_floor();
"""

GUARDS = """
CREATE TRIGGER seal_rows BEFORE UPDATE OR DELETE ON approvals_auditseal
    FOR EACH ROW EXECUTE FUNCTION countersign_never_change();
CREATE TRIGGER seal_table BEFORE TRUNCATE ON approvals_auditseal
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_never_change();
CREATE TRIGGER checkpoint_rows BEFORE UPDATE OR DELETE ON approvals_auditcheckpoint
    FOR EACH ROW EXECUTE FUNCTION countersign_never_change();
CREATE TRIGGER checkpoint_table BEFORE TRUNCATE ON approvals_auditcheckpoint
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_never_change();
"""

DROP_GUARDS = """
DROP TRIGGER checkpoint_table ON approvals_auditcheckpoint;
DROP TRIGGER checkpoint_rows ON approvals_auditcheckpoint;
DROP TRIGGER seal_table ON approvals_auditseal;
DROP TRIGGER seal_rows ON approvals_auditseal;
"""

# Rows from before there was a chain: they enter it as what they are now.
CONVERT = """
ALTER TABLE approvals_auditevent DISABLE TRIGGER audit_rows;
UPDATE approvals_auditevent SET salt = uuid_send(gen_random_uuid()), xid = pg_current_xact_id()::text::bigint;
UPDATE approvals_auditevent SET payload_hash =
    sha256(salt || convert_to(countersign_audit_payload(subject, digest, data), 'UTF8'));
ALTER TABLE approvals_auditevent ENABLE TRIGGER audit_rows;
"""

# After a restore, and only then, what was under way becomes unknown and every run pauses (DESIGN 4).
MOVES = """
CREATE OR REPLACE FUNCTION countersign_check_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IS DISTINCT FROM NEW.state AND NOT EXISTS (
        SELECT 1 FROM approvals_allowedmove
         WHERE machine = TG_ARGV[0] AND from_state = OLD.state AND to_state = NEW.state
    ) AND NOT (
        coalesce(current_setting('countersign.after_restore', true), '') = 'on'
        AND (TG_ARGV[0] = 'action' AND NEW.state = 'unknown'
                AND OLD.state IN ('proposed', 'pending', 'approved', 'allowed', 'executing')
             OR TG_ARGV[0] = 'run' AND NEW.state = 'paused' AND OLD.state LIKE 'waiting%')
    ) THEN
        RAISE EXCEPTION '% may not move from % to %', TG_ARGV[0], OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
DROP_MOVES = """
CREATE OR REPLACE FUNCTION countersign_check_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IS DISTINCT FROM NEW.state AND NOT EXISTS (
        SELECT 1 FROM approvals_allowedmove
         WHERE machine = TG_ARGV[0] AND from_state = OLD.state AND to_state = NEW.state
    ) THEN
        RAISE EXCEPTION '% may not move from % to %', TG_ARGV[0], OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0008_desk_work"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditCheckpoint",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("count", models.BigIntegerField()),
                ("root", models.BinaryField()),
                ("key_id", models.CharField(max_length=16)),
                ("public_key", models.CharField(max_length=64)),
                ("document", models.TextField()),
                ("signature", models.CharField(max_length=128)),
            ],
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("sealed_at", models.DateTimeField(db_default=approvals.models.audit.ClockTimestamp())),
                ("after_seq", models.BigIntegerField(default=0)),
                ("first_xid", models.BigIntegerField()),
                ("first_seq", models.BigIntegerField()),
                ("last_xid", models.BigIntegerField()),
                ("last_seq", models.BigIntegerField()),
                ("high_seq", models.BigIntegerField()),
                ("count", models.IntegerField()),
                ("total", models.BigIntegerField()),
                ("previous", models.BinaryField()),
                ("chain", models.BinaryField()),
                ("marks", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="CheckpointDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.CharField(max_length=300)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("tried_at", models.DateTimeField(blank=True, null=True)),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
                ("error", models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name="LegalHold",
            fields=[
                ("id", models.UUIDField(default=config.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("subject", models.CharField(max_length=200)),
                ("reason", models.TextField()),
                ("placed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name="auditevent",
            name="payload_hash",
            field=models.BinaryField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="salt",
            field=models.BinaryField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="xid",
            field=models.BigIntegerField(default=0, editable=False),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["xid", "seq"], name="audit_in_chain_order"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("subject", ""), _negated=True), fields=["subject", "seq"], name="audit_about"
            ),
        ),
        migrations.AddIndex(
            model_name="auditseal",
            index=models.Index(fields=["total"], name="seal_by_total"),
        ),
        migrations.AddIndex(
            model_name="auditseal",
            index=models.Index(fields=["after_seq", "last_xid", "last_seq"], name="seal_by_last_row"),
        ),
        migrations.AddField(
            model_name="checkpointdelivery",
            name="checkpoint",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="deliveries", to="approvals.auditcheckpoint"
            ),
        ),
        migrations.AddField(
            model_name="legalhold",
            name="lifted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="legalhold",
            name="placed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="checkpointdelivery",
            index=models.Index(
                condition=models.Q(("delivered_at__isnull", True)), fields=["tried_at"], name="checkpoint_to_deliver"
            ),
        ),
        migrations.AddConstraint(
            model_name="checkpointdelivery",
            constraint=models.UniqueConstraint(fields=("checkpoint", "place"), name="one_delivery_per_place"),
        ),
        migrations.AddConstraint(
            model_name="legalhold",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lifted_at__isnull", True)), fields=("subject",), name="one_open_hold_per_subject"
            ),
        ),
        migrations.RunSQL(TEXTS, DROP_TEXTS),
        migrations.RunSQL(ERASING, DROP_ERASING),
        migrations.RunSQL(CONVERT, migrations.RunSQL.noop),
        migrations.RunSQL(WRITING, DROP_WRITING),
        migrations.RunSQL(GUARDS, DROP_GUARDS),
        migrations.RunSQL(MOVES, DROP_MOVES),
    ]
