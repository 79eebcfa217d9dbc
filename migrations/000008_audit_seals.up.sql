-- Seals over the audit log, and checkpoints that stand for what retention has dropped of it.

CREATE TABLE audit_seal (
    number bigint CONSTRAINT audit_seal_pkey PRIMARY KEY,
    epoch integer NOT NULL,
    after_seq bigint NOT NULL,
    month text COLLATE "C" NOT NULL,
    from_xid xid8 NOT NULL,
    to_xid xid8 NOT NULL,
    to_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    event_count integer NOT NULL,
    event_digests bytea NOT NULL,
    previous_root bytea NOT NULL,
    root bytea NOT NULL,
    sealed_at timestamptz NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    signature bytea NOT NULL,
    CONSTRAINT audit_seal_number_check CHECK (number > 0),
    CONSTRAINT audit_seal_epoch_check CHECK (epoch > 0),
    CONSTRAINT audit_seal_month_check CHECK (month ~ '^[0-9]{4}-[0-9]{2}$'),
    CONSTRAINT audit_seal_xid_check CHECK (from_xid <= to_xid),
    CONSTRAINT audit_seal_event_digests_check CHECK (event_count >= 0 AND octet_length(event_digests) = 32 * event_count),
    CONSTRAINT audit_seal_root_check CHECK (octet_length(previous_root) = 32 AND octet_length(root) = 32),
    CONSTRAINT audit_seal_signature_check CHECK (octet_length(signature) = 64)
);
COMMENT ON TABLE audit_seal IS 'Signed seals over ranges of audit_log, each chained to the one before. Rows are only ever appended.';
COMMENT ON COLUMN audit_seal.number IS 'Numbers the seals from 1, without gaps.';
COMMENT ON COLUMN audit_seal.epoch IS 'Raised when transaction ids have begun again, after a restore into another cluster.';
COMMENT ON COLUMN audit_seal.after_seq IS 'The events of this epoch have a higher seq.';
COMMENT ON COLUMN audit_seal.month IS 'The month (UTC) of the partition of its events.';
COMMENT ON COLUMN audit_seal.from_xid IS 'The first transaction id of the range.';
COMMENT ON COLUMN audit_seal.to_xid IS 'The last transaction id of the range.';
COMMENT ON COLUMN audit_seal.to_seq IS 'Up to which seq events of the last transaction are in the range; the highest bigint for all of them.';
COMMENT ON COLUMN audit_seal.last_seq IS 'The highest seq of all events that were sealed so far.';
COMMENT ON COLUMN audit_seal.event_count IS 'How many events it covers; 0 where it begins an epoch.';
COMMENT ON COLUMN audit_seal.event_digests IS 'SHA-256 of the canonical bytes of each event, ordered by (xid, seq).';
COMMENT ON COLUMN audit_seal.previous_root IS 'The root of the seal before; zeros in the first one.';
COMMENT ON COLUMN audit_seal.root IS 'SHA-256 over the previous root and the digests.';
COMMENT ON COLUMN audit_seal.sealed_at IS 'When it was made.';
COMMENT ON COLUMN audit_seal.key_id IS 'The key that signed it: the beginning of the SHA-256 of its public key.';
COMMENT ON COLUMN audit_seal.signature IS 'Ed25519 over all of the above.';

CREATE INDEX idx_audit_seal_month ON audit_seal (month, number);
COMMENT ON INDEX idx_audit_seal_month IS 'Retention: the seals of a partition, and the first one of those that stay.';

CREATE INDEX idx_audit_seal_range ON audit_seal (to_xid, to_seq, month);
COMMENT ON INDEX idx_audit_seal_range IS 'The seal over an event, and those that begin epochs.';

CREATE TABLE audit_checkpoint (
    kept_from text COLLATE "C" CONSTRAINT audit_checkpoint_pkey PRIMARY KEY,
    seal_number bigint NOT NULL,
    seal_root bytea NOT NULL,
    dropped_events bigint NOT NULL,
    created_at timestamptz NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    signature bytea NOT NULL,
    CONSTRAINT audit_checkpoint_kept_from_check CHECK (kept_from ~ '^[0-9]{4}-[0-9]{2}$'),
    CONSTRAINT audit_checkpoint_seal_number_check CHECK (seal_number >= 0),
    CONSTRAINT audit_checkpoint_seal_root_check CHECK (octet_length(seal_root) = 32),
    CONSTRAINT audit_checkpoint_dropped_events_check CHECK (dropped_events >= 0),
    CONSTRAINT audit_checkpoint_signature_check CHECK (octet_length(signature) = 64)
);
COMMENT ON TABLE audit_checkpoint IS 'One signed row for each partition of audit_log that retention has dropped. Rows are only ever appended.';
COMMENT ON COLUMN audit_checkpoint.kept_from IS 'The first month (UTC) whose events are kept.';
COMMENT ON COLUMN audit_checkpoint.seal_number IS 'The last seal before the first one over events that are kept: verification begins behind it.';
COMMENT ON COLUMN audit_checkpoint.seal_root IS 'The root of that seal.';
COMMENT ON COLUMN audit_checkpoint.dropped_events IS 'How many events went with the partition.';
COMMENT ON COLUMN audit_checkpoint.created_at IS 'When they went.';
COMMENT ON COLUMN audit_checkpoint.key_id IS 'The key that signed it.';
COMMENT ON COLUMN audit_checkpoint.signature IS 'Ed25519 over all of the above.';

CREATE TRIGGER audit_seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
ALTER TABLE audit_seal ENABLE ALWAYS TRIGGER audit_seal_append_only;
CREATE TRIGGER audit_checkpoint_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
ALTER TABLE audit_checkpoint ENABLE ALWAYS TRIGGER audit_checkpoint_append_only;

CREATE FUNCTION drop_audit_partition(month text) RETURNS void
    LANGUAGE plpgsql AS
$$
DECLARE
    partition_name constant text := 'audit_log_' || replace(month, '-', '_');
BEGIN
    -- Whoever writes waits behind this one while it waits for a reader: so it gives up soon.
    PERFORM set_config('lock_timeout', '1s', true);
    EXECUTE format('ALTER TABLE audit_log DETACH PARTITION %I', partition_name);
    EXECUTE format('DROP TABLE %I', partition_name);
END
$$;
COMMENT ON FUNCTION drop_audit_partition(text) IS 'Drops the partition of a month with all of its events.';

INSERT INTO schema_version (version, description) VALUES (8, 'seals over the audit log, and checkpoints of its retention');
