-- Share links: who has the secret of one may see one dashboard.

CREATE TABLE share_token (
    id uuid CONSTRAINT share_token_pkey PRIMARY KEY,
    dashboard_id uuid NOT NULL,
    pinned_revision integer,
    token_sha256 bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    max_uses integer,
    use_count integer NOT NULL DEFAULT 0,
    allowed_cidrs cidr[] NOT NULL DEFAULT '{}',
    note text NOT NULL DEFAULT '',
    generation bigint NOT NULL DEFAULT 1,
    created_by text COLLATE "C" NOT NULL,
    updated_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    last_used_at timestamptz,
    revoked_at timestamptz,
    revoked_by text COLLATE "C",
    CONSTRAINT share_token_dashboard_fkey FOREIGN KEY (dashboard_id) REFERENCES dashboard (id) ON DELETE CASCADE,
    -- Not CASCADE: a revision that a link pins is not pruned.
    CONSTRAINT share_token_revision_fkey FOREIGN KEY (dashboard_id, pinned_revision)
        REFERENCES dashboard_revision (dashboard_id, revision),
    CONSTRAINT share_token_token_sha256_check CHECK (octet_length(token_sha256) = 32),
    CONSTRAINT share_token_expires_at_check CHECK (expires_at > created_at AND expires_at <= created_at + interval '10 years'),
    CONSTRAINT share_token_max_uses_check CHECK (max_uses > 0),
    CONSTRAINT share_token_use_count_check CHECK (use_count >= 0 AND use_count <= max_uses),
    CONSTRAINT share_token_allowed_cidrs_check CHECK (cardinality(allowed_cidrs) <= 32 AND array_position(allowed_cidrs, NULL) IS NULL),
    CONSTRAINT share_token_note_check CHECK (char_length(note) <= 1000),
    CONSTRAINT share_token_generation_check CHECK (generation > 0),
    CONSTRAINT share_token_revoked_check CHECK (num_nulls(revoked_at, revoked_by) IN (0, 2))
);
COMMENT ON TABLE share_token IS 'Share links. The secret of a link is nowhere; whoever has it can see the dashboard.';
COMMENT ON COLUMN share_token.id IS 'The last segment of the name in the API (UUIDv4); it says nothing about the secret.';
COMMENT ON COLUMN share_token.dashboard_id IS 'The dashboard, in this life of it.';
COMMENT ON COLUMN share_token.pinned_revision IS 'The revision that is shown; null for the head.';
COMMENT ON COLUMN share_token.token_sha256 IS 'SHA-256 of the secret.';
COMMENT ON COLUMN share_token.expires_at IS 'From when on it is of no use.';
COMMENT ON COLUMN share_token.max_uses IS 'How often it can be used; null for as often as one likes.';
COMMENT ON COLUMN share_token.use_count IS 'How often it was used.';
COMMENT ON COLUMN share_token.allowed_cidrs IS 'From where it can be used; empty for from anywhere. IPv4 addresses are never written as IPv6.';
COMMENT ON COLUMN share_token.note IS 'What it is for, in the words of its creator.';
COMMENT ON COLUMN share_token.generation IS 'Counts every write that the API shows, uses aside, from 1; the etag is made of it.';
COMMENT ON COLUMN share_token.created_by IS 'Who created it, as user:name.';
COMMENT ON COLUMN share_token.updated_by IS 'Who wrote it last, as user:name.';
COMMENT ON COLUMN share_token.created_at IS 'When it was created.';
COMMENT ON COLUMN share_token.updated_at IS 'When generation changed last; kept by a trigger. Counting a use is no change.';
COMMENT ON COLUMN share_token.last_used_at IS 'When it was used last.';
COMMENT ON COLUMN share_token.revoked_at IS 'When it was revoked.';
COMMENT ON COLUMN share_token.revoked_by IS 'Who revoked it, as user:name.';

CREATE UNIQUE INDEX idx_share_token_sha256 ON share_token (token_sha256);
CREATE INDEX idx_share_token_active ON share_token (dashboard_id, pinned_revision) WHERE revoked_at IS NULL;
CREATE INDEX idx_share_token_dashboard ON share_token (dashboard_id, created_at, id);
CREATE INDEX idx_share_token_creator ON share_token (created_by, dashboard_id, created_at, id);
CREATE INDEX idx_share_token_expiry ON share_token (expires_at);
COMMENT ON INDEX idx_share_token_sha256 IS 'Looks links up by their secret.';
COMMENT ON INDEX idx_share_token_active IS 'Which links of a dashboard, and to which revisions, nobody has revoked: for their revocation all at once.';
COMMENT ON INDEX idx_share_token_dashboard IS 'Lists of the links of a dashboard, their removal with it, and which of its revisions are pinned.';
COMMENT ON INDEX idx_share_token_creator IS 'Lists of the links that somebody created.';
COMMENT ON INDEX idx_share_token_expiry IS 'Finds what cleanup_expired_tokens() removes.';

CREATE TRIGGER share_token_set_updated_at BEFORE UPDATE ON share_token
    FOR EACH ROW WHEN (NEW.generation <> OLD.generation) EXECUTE FUNCTION set_updated_at();

CREATE FUNCTION cleanup_expired_tokens(batch_size integer DEFAULT 1000) RETURNS integer
    LANGUAGE sql AS
$$
    -- cleanup_expired_tokens
    WITH removed AS (
        DELETE FROM share_token WHERE id = ANY(ARRAY(
            SELECT id FROM share_token WHERE expires_at <= now()
            ORDER BY expires_at
            LIMIT batch_size
            -- Whoever looks at one now is not waited for; the next run removes it.
            FOR UPDATE SKIP LOCKED
        ))
        RETURNING id
    )
    SELECT count(*)::integer FROM removed;
$$;
COMMENT ON FUNCTION cleanup_expired_tokens(integer) IS 'Removes share links that expired, revoked ones too; at most so many at once, and returns how many it removed.';

INSERT INTO schema_version (version, description) VALUES (9, 'share links: their table, cleaning up of those that expired');
