"""The transaction that lets an effect begin, knowing of halts that are being released under supervision."""

from django.db import migrations

BEGIN_EFFECT = """
CREATE OR REPLACE FUNCTION countersign_begin_effect(
    p_run uuid, p_fence bigint, p_action uuid, p_policy uuid, p_scopes text[],
    p_actor text, p_retry boolean, p_actions_limit integer, p_moved_limit bigint
) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    a agents_action%ROWTYPE;
    r agents_run%ROWTYPE;
    q approvals_request%ROWTYPE;
    envelope jsonb;
    live_digest text;
    was text;
    moved bigint;
BEGIN
    -- Deciding locks request, then run; so do we, and neither waits for the other in a circle.
    PERFORM 1 FROM approvals_request WHERE action_id = p_action AND kind = 'approval' FOR UPDATE;
    SELECT * INTO r FROM agents_run WHERE id = p_run AND fence = p_fence AND state = 'running' FOR UPDATE;
    IF NOT FOUND THEN RETURN 'lease_lost'; END IF;

    PERFORM pg_advisory_xact_lock_shared(countersign_scope_key(s)) FROM unnest(p_scopes || '{policy}'::text[]) s;

    IF EXISTS (SELECT 1 FROM approvals_halt
                WHERE scope = ANY(p_scopes) AND released_at IS NULL AND stage = 'stopped') THEN
        RETURN 'halted';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM approvals_policyversion WHERE id = p_policy AND active) THEN
        RETURN 'policy_changed';
    END IF;

    SELECT * INTO a FROM agents_action WHERE id = p_action AND run_id = p_run FOR UPDATE;
    IF NOT FOUND THEN RETURN 'no_action'; END IF;
    was := a.state;

    live_digest := encode(sha256(a.canonical), 'hex');
    IF live_digest <> a.digest THEN RETURN 'digest_changed'; END IF;
    envelope := convert_from(a.canonical, 'UTF8')::jsonb;
    IF (envelope->>'run')::uuid IS DISTINCT FROM a.run_id
       OR (envelope->>'action')::uuid IS DISTINCT FROM a.id
       OR (envelope->>'agent_version')::uuid IS DISTINCT FROM r.version_id
       OR envelope->>'tool' IS DISTINCT FROM a.tool
       OR envelope->>'tool_version' IS DISTINCT FROM a.tool_version
       OR envelope->>'account' IS DISTINCT FROM a.account
       OR envelope->>'effect' IS DISTINCT FROM a.effect
       OR envelope->'rule'->>'id' IS DISTINCT FROM a.rule_id
       OR envelope->'rule'->>'hash' IS DISTINCT FROM a.rule_hash
       OR (envelope->'money'->>'amount_minor')::bigint IS DISTINCT FROM a.money_minor
       OR coalesce(envelope->'money'->>'currency', '') IS DISTINCT FROM a.currency
       OR a.key IS DISTINCT FROM 'v1-' || encode(sha256(convert_to(
            'v1|' || (envelope->>'org') || '|' || a.id::text, 'UTF8')), 'hex')
    THEN RETURN 'binding_changed'; END IF;

    IF a.state = 'executing' AND p_retry THEN
        UPDATE agents_action SET attempts = attempts + 1 WHERE id = a.id;
        INSERT INTO approvals_auditevent (at, actor, actor_kind, verb, subject_type, subject_id, subject, run_id, agent,
                                          from_state, to_state, digest, data)
        SELECT clock_timestamp(), p_actor, 'agent', 'action.sent_again', 'action', a.id::text, r.subject, r.id, g.name,
               '', '', a.digest, jsonb_build_object('attempt', a.attempts + 1)
          FROM agents_agent g WHERE g.id = r.agent_id;
        RETURN 'ok';
    END IF;

    IF a.state = 'approved' THEN
        SELECT * INTO q FROM approvals_request WHERE id = a.request_id FOR UPDATE;
        IF NOT FOUND OR q.state <> 'approved' OR q.action_id IS DISTINCT FROM a.id THEN RETURN 'not_approved'; END IF;
        IF q.action_digest <> live_digest THEN RETURN 'digest_changed'; END IF;
        IF q.consumed_at IS NOT NULL THEN RETURN 'already_consumed'; END IF;
        IF q.execute_after > clock_timestamp() THEN RETURN 'not_yet'; END IF;
        IF q.execute_by <= clock_timestamp() THEN RETURN 'too_late'; END IF;
        UPDATE approvals_request SET consumed_at = clock_timestamp() WHERE id = q.id;
    ELSIF a.state = 'allowed' THEN
        IF a.request_id IS NOT NULL THEN RETURN 'not_approved'; END IF;
        -- Under supervision a person signs each write: this one was judged before; it is judged again.
        IF a.effect <> 'read' AND EXISTS (
            SELECT 1 FROM approvals_halt WHERE scope = ANY(p_scopes) AND released_at IS NULL
        ) THEN RETURN 'policy_changed'; END IF;
    ELSE
        RETURN 'state_' || a.state;
    END IF;

    IF p_actions_limit IS NOT NULL AND p_actions_limit <= (
        SELECT count(*) FROM agents_action WHERE run_id = p_run AND attempts > 0
    ) THEN
        RAISE EXCEPTION 'limit_actions' USING ERRCODE = 'P0CS1';
    END IF;
    IF a.money_minor IS NOT NULL AND a.effect <> 'read' THEN
        INSERT INTO agents_agentday (agent_id, day, kind, unit, used)
        VALUES (r.agent_id, (clock_timestamp() AT TIME ZONE 'UTC')::date, 'moved', a.currency, a.money_minor)
        ON CONFLICT (agent_id, day, kind, unit) DO UPDATE SET used = agents_agentday.used + EXCLUDED.used
        RETURNING used INTO moved;
        IF p_moved_limit IS NOT NULL AND moved > p_moved_limit THEN
            RAISE EXCEPTION 'limit_moved' USING ERRCODE = 'P0CS1';
        END IF;
    END IF;

    UPDATE agents_action
       SET state = 'executing', attempts = attempts + 1, first_sent_at = coalesce(first_sent_at, clock_timestamp())
     WHERE id = a.id;
    INSERT INTO approvals_auditevent (at, actor, actor_kind, verb, subject_type, subject_id, subject, run_id, agent,
                                      from_state, to_state, digest, data)
    SELECT clock_timestamp(), p_actor, 'agent', 'action.executing', 'action', a.id::text, r.subject, r.id, g.name,
           was, 'executing', a.digest,
           jsonb_build_object('tool', a.tool, 'request', a.request_id, 'policy', p_policy, 'attempt', a.attempts + 1)
      FROM agents_agent g WHERE g.id = r.agent_id;
    RETURN 'ok';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("agents", "0004_done_of_tool"), ("approvals", "0010_supervised_halts")]
    # Backwards nothing: the function as it was before would take a supervised halt for a full one, which is safe.
    operations = [migrations.RunSQL(BEGIN_EFFECT, migrations.RunSQL.noop)]
