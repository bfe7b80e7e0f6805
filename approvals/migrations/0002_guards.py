"""The database's own word on state and audit: illegal moves and changed audit rows are refused whoever asks."""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION countersign_check_move() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE FUNCTION countersign_never_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

-- The lock that a halt or a new policy takes exclusively and every effect takes shared.
CREATE FUNCTION countersign_scope_key(scope text) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT hashtextextended('countersign:' || scope, 0) $$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION countersign_scope_key(text);
DROP FUNCTION countersign_never_change();
DROP FUNCTION countersign_check_move();
"""

TRIGGERS = """
CREATE TRIGGER request_moves BEFORE UPDATE ON approvals_request
    FOR EACH ROW EXECUTE FUNCTION countersign_check_move('request');
CREATE TRIGGER audit_rows BEFORE UPDATE OR DELETE ON approvals_auditevent
    FOR EACH ROW EXECUTE FUNCTION countersign_never_change();
CREATE TRIGGER audit_table BEFORE TRUNCATE ON approvals_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_never_change();
CREATE TRIGGER policy_rows BEFORE UPDATE OF rules, hash, number, author_id, author_label, created_at
    ON approvals_policyversion FOR EACH ROW EXECUTE FUNCTION countersign_never_change();
"""

DROP_TRIGGERS = """
DROP TRIGGER policy_rows ON approvals_policyversion;
DROP TRIGGER audit_table ON approvals_auditevent;
DROP TRIGGER audit_rows ON approvals_auditevent;
DROP TRIGGER request_moves ON approvals_request;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial")]
    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        migrations.RunSQL(TRIGGERS, DROP_TRIGGERS),
    ]
