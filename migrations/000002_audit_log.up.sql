-- The audit log: append-only, partitioned by month.

CREATE SEQUENCE audit_log_seq AS bigint;
COMMENT ON SEQUENCE audit_log_seq IS 'Orders the audit events of one transaction.';

CREATE TABLE audit_log (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    event_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    seq bigint NOT NULL DEFAULT nextval('audit_log_seq'),
    actor text COLLATE "C" NOT NULL,
    actor_groups text[] NOT NULL DEFAULT '{}',
    auth_method text NOT NULL,
    method text COLLATE "C" NOT NULL,
    permission text COLLATE "C" NOT NULL,
    project text COLLATE "C",
    resource text COLLATE "C" NOT NULL,
    resource_uid uuid,
    revision_before integer,
    revision_after integer,
    sha256_before bytea,
    sha256_after bytea,
    changed_paths text[] NOT NULL DEFAULT '{}',
    result text NOT NULL DEFAULT 'success',
    reason text,
    client_ip inet,
    user_agent text NOT NULL DEFAULT '',
    correlation_id uuid NOT NULL,
    trace_id text,
    event_count integer NOT NULL DEFAULT 1,
    details jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT audit_log_pkey PRIMARY KEY (id, event_time),
    CONSTRAINT audit_log_result_check CHECK (result IN ('success', 'denied', 'failed')),
    CONSTRAINT audit_log_reason_check CHECK ((result = 'success') = (reason IS NULL)),
    CONSTRAINT audit_log_sha256_check CHECK (octet_length(sha256_before) = 32 AND octet_length(sha256_after) = 32),
    CONSTRAINT audit_log_trace_id_check CHECK (trace_id ~ '^[0-9a-f]{32}$'),
    CONSTRAINT audit_log_event_count_check CHECK (event_count > 0),
    CONSTRAINT audit_log_details_check CHECK (jsonb_typeof(details) = 'object')
) PARTITION BY RANGE (event_time);
COMMENT ON TABLE audit_log IS 'Who did what, when, from where, with which result. Rows are only ever appended.';
COMMENT ON COLUMN audit_log.id IS 'The id of the event.';
COMMENT ON COLUMN audit_log.event_time IS 'When; picks the partition.';
COMMENT ON COLUMN audit_log.xid IS 'The transaction that wrote the event together with its change.';
COMMENT ON COLUMN audit_log.seq IS 'Order within the transaction.';
COMMENT ON COLUMN audit_log.actor IS 'Who, as user:name.';
COMMENT ON COLUMN audit_log.actor_groups IS 'The groups that authentication found.';
COMMENT ON COLUMN audit_log.auth_method IS 'How the actor was authenticated.';
COMMENT ON COLUMN audit_log.method IS 'The name of the RPC.';
COMMENT ON COLUMN audit_log.permission IS 'The permission that was asked for.';
COMMENT ON COLUMN audit_log.project IS 'The project of the resource; null for what belongs to none.';
COMMENT ON COLUMN audit_log.resource IS 'The resource name.';
COMMENT ON COLUMN audit_log.resource_uid IS 'The uid of the life of the resource that was meant.';
COMMENT ON COLUMN audit_log.revision_before IS 'The revision that the call found.';
COMMENT ON COLUMN audit_log.revision_after IS 'The revision that the call left.';
COMMENT ON COLUMN audit_log.sha256_before IS 'SHA-256 of the spec that the call found.';
COMMENT ON COLUMN audit_log.sha256_after IS 'SHA-256 of the spec that the call left.';
COMMENT ON COLUMN audit_log.changed_paths IS 'The fields that changed.';
COMMENT ON COLUMN audit_log.result IS 'success, denied or failed.';
COMMENT ON COLUMN audit_log.reason IS 'The error reason of a call that was denied or failed.';
COMMENT ON COLUMN audit_log.client_ip IS 'The address of the caller.';
COMMENT ON COLUMN audit_log.user_agent IS 'The user agent of the caller.';
COMMENT ON COLUMN audit_log.correlation_id IS 'One per call: stands in the logs and in the x-request-id header of the answer.';
COMMENT ON COLUMN audit_log.trace_id IS 'The W3C trace id of the call.';
COMMENT ON COLUMN audit_log.event_count IS 'How many like events this row stands for.';
COMMENT ON COLUMN audit_log.details IS 'What else belongs to the event.';

CREATE INDEX idx_audit_timestamp ON audit_log (event_time, id);
COMMENT ON INDEX idx_audit_timestamp IS 'ListAuditEvents: the order.';
CREATE INDEX idx_audit_user_timestamp ON audit_log (actor, event_time, id);
COMMENT ON INDEX idx_audit_user_timestamp IS 'ListAuditEvents: actor, in order.';
CREATE INDEX idx_audit_resource ON audit_log (resource, event_time, id);
COMMENT ON INDEX idx_audit_resource IS 'ListAuditEvents: resource, in order.';
CREATE INDEX idx_audit_project ON audit_log (project, event_time, id);
COMMENT ON INDEX idx_audit_project IS 'ListAuditEvents of a project, in order.';
CREATE INDEX idx_audit_action ON audit_log (method, event_time, id);
COMMENT ON INDEX idx_audit_action IS 'ListAuditEvents: method, in order.';
CREATE INDEX idx_audit_result ON audit_log (result, event_time, id) WHERE result <> 'success';
COMMENT ON INDEX idx_audit_result IS 'ListAuditEvents: result and reason of what was denied or failed, in order.';
CREATE INDEX idx_audit_correlation_id ON audit_log (correlation_id);
COMMENT ON INDEX idx_audit_correlation_id IS 'ListAuditEvents: the events of one call.';
CREATE INDEX idx_audit_details ON audit_log USING gin (details) WHERE details <> '{}';
COMMENT ON INDEX idx_audit_details IS 'ListAuditEvents: details; most events have none.';
CREATE INDEX idx_audit_order ON audit_log (xid, seq);
COMMENT ON INDEX idx_audit_order IS 'Sealing and verification: events in the order of their transactions.';

ALTER SEQUENCE audit_log_seq OWNED BY audit_log.seq;

CREATE FUNCTION refuse_audit_change() RETURNS trigger
    LANGUAGE plpgsql AS
$$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;
COMMENT ON FUNCTION refuse_audit_change() IS 'Trigger: lets nobody change or remove audit events.';

-- A statement trigger fires on the table that the statement names alone, so each partition gets one of its own.
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_append_only;

CREATE FUNCTION ensure_audit_partitions(months_ahead integer DEFAULT 12) RETURNS integer
    LANGUAGE plpgsql AS
$$
DECLARE
    first_month constant timestamptz := date_trunc('month', now(), 'UTC');
    month_start timestamptz;
    month_end timestamptz;
    partition_name text;
    created integer := 0;
BEGIN
    FOR months IN 0..months_ahead LOOP
        month_start := ((first_month AT TIME ZONE 'UTC') + make_interval(months => months)) AT TIME ZONE 'UTC';
        month_end := ((month_start AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
        partition_name := 'audit_log_' || to_char(month_start AT TIME ZONE 'UTC', 'YYYY_MM');
        CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;
        -- LIKE and ATTACH, not PARTITION OF: that one waits behind every reader of the log, and all inserts behind it.
        EXECUTE format('CREATE TABLE %I (LIKE audit_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)', partition_name);
        EXECUTE format('COMMENT ON TABLE %I IS %L', partition_name, 'Audit events of one month (UTC).');
        EXECUTE format('CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()', partition_name);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER audit_log_append_only', partition_name);
        EXECUTE format('ALTER TABLE audit_log ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition_name, month_start, month_end);
        created := created + 1;
    END LOOP;
    RETURN created;
END
$$;
COMMENT ON FUNCTION ensure_audit_partitions(integer) IS 'Makes the missing partitions of the audit log from this month on; returns how many it made.';

SELECT ensure_audit_partitions();

INSERT INTO schema_version (version, description) VALUES (2, 'audit log: append-only, partitioned by month');
