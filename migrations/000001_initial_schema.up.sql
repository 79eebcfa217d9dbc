-- Dashboards with their history, and the idempotency keys of mutations.

CREATE TABLE schema_version (
    version integer CONSTRAINT schema_version_pkey PRIMARY KEY,
    description text NOT NULL,
    checksum text,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_by text NOT NULL DEFAULT current_user,
    duration_ms integer,
    min_version text,
    CONSTRAINT schema_version_version_check CHECK (version > 0),
    CONSTRAINT schema_version_checksum_check CHECK (checksum ~ '^[0-9a-f]{64}$'),
    CONSTRAINT schema_version_min_version_check CHECK (min_version ~ '^[0-9]+\.[0-9]+\.[0-9]+$')
);
COMMENT ON TABLE schema_version IS 'Every applied migration, one row each; written by the migration itself.';
COMMENT ON COLUMN schema_version.version IS 'The number in the name of the file.';
COMMENT ON COLUMN schema_version.description IS 'What the migration brings, in a few words.';
COMMENT ON COLUMN schema_version.checksum IS 'SHA-256 of the .up.sql file in lower-case hex; null when another tool than dashboard-store applied it.';
COMMENT ON COLUMN schema_version.applied_at IS 'When it was applied.';
COMMENT ON COLUMN schema_version.applied_by IS 'The database role that applied it.';
COMMENT ON COLUMN schema_version.duration_ms IS 'How long it took in milliseconds; null when another tool than dashboard-store applied it.';
COMMENT ON COLUMN schema_version.min_version IS 'The oldest dashboard-store that works on this schema; null when every older one does.';

CREATE FUNCTION is_resource_id(id text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN id ~ '^[a-zA-Z0-9_.-]{1,75}$' AND id !~ '(\.\.|^\.|\.$|^-$)';
COMMENT ON FUNCTION is_resource_id(text) IS 'Whether a text is a legal Perses name; "-" is the wildcard and not one.';

CREATE FUNCTION is_dashboard_metadata(metadata jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN COALESCE(
        jsonb_typeof(metadata -> 'tags') = 'array' AND jsonb_array_length(metadata -> 'tags') <= 20
        AND jsonb_typeof(metadata -> 'labels') = 'object',
        false
    );
COMMENT ON FUNCTION is_dashboard_metadata(jsonb) IS 'Whether a value holds tags (an array of at most 20) and labels (an object).';

CREATE TABLE dashboard (
    id uuid CONSTRAINT dashboard_pkey PRIMARY KEY,
    project text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    display_name text COLLATE "C" NOT NULL,
    description text NOT NULL,
    metadata jsonb NOT NULL,
    spec json NOT NULL,
    spec_sha256 bytea NOT NULL,
    spec_size_bytes integer NOT NULL,
    spec_value_sha256 bytea NOT NULL,
    state text NOT NULL DEFAULT 'active',
    revision integer NOT NULL DEFAULT 1,
    generation bigint NOT NULL DEFAULT 1,
    created_by text COLLATE "C" NOT NULL,
    updated_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    deleted_at timestamptz,
    purge_at timestamptz,
    CONSTRAINT dashboard_project_check CHECK (is_resource_id(project)),
    CONSTRAINT dashboard_name_check CHECK (is_resource_id(name)),
    CONSTRAINT dashboard_metadata_check CHECK (is_dashboard_metadata(metadata)),
    CONSTRAINT dashboard_spec_check CHECK (json_typeof(spec) = 'object'),
    CONSTRAINT dashboard_spec_sha256_check CHECK (octet_length(spec_sha256) = 32),
    CONSTRAINT dashboard_spec_size_bytes_check CHECK (spec_size_bytes > 0),
    CONSTRAINT dashboard_spec_value_sha256_check CHECK (octet_length(spec_value_sha256) = 32),
    CONSTRAINT dashboard_state_check CHECK (state IN ('active', 'deleted')),
    CONSTRAINT dashboard_revision_check CHECK (revision > 0),
    CONSTRAINT dashboard_generation_check CHECK (generation >= revision),
    CONSTRAINT dashboard_deleted_check CHECK (
        (state = 'deleted') = (deleted_at IS NOT NULL) AND (deleted_at IS NULL) = (purge_at IS NULL)
    )
);
COMMENT ON TABLE dashboard IS 'The head of every dashboard, live or soft-deleted.';
COMMENT ON COLUMN dashboard.id IS 'The uid of the API (UUIDv7): names one life of a dashboard.';
COMMENT ON COLUMN dashboard.project IS 'The Perses project; on OpenShift a namespace.';
COMMENT ON COLUMN dashboard.name IS 'The id of the API: Perses'' metadata.name.';
COMMENT ON COLUMN dashboard.display_name IS 'spec.display.name, extracted when the spec is written.';
COMMENT ON COLUMN dashboard.description IS 'spec.display.description, extracted when the spec is written.';
COMMENT ON COLUMN dashboard.metadata IS 'Tags (array of text) and labels (object of text).';
COMMENT ON COLUMN dashboard.spec IS 'The Perses spec, exactly the text that was written.';
COMMENT ON COLUMN dashboard.spec_sha256 IS 'SHA-256 of the text of the spec.';
COMMENT ON COLUMN dashboard.spec_size_bytes IS 'Size of the text of the spec in bytes.';
COMMENT ON COLUMN dashboard.spec_value_sha256 IS 'SHA-256 of the canonical JSON value of the spec: key order, white space and the spelling of numbers left out.';
COMMENT ON COLUMN dashboard.state IS 'active or deleted (soft-deleted, can be undeleted until purge_at).';
COMMENT ON COLUMN dashboard.revision IS 'Counts changes of content, from 1.';
COMMENT ON COLUMN dashboard.generation IS 'Counts every write that the API shows, from 1; the etag is made of it.';
COMMENT ON COLUMN dashboard.created_by IS 'Who created it, as user:name.';
COMMENT ON COLUMN dashboard.updated_by IS 'Who wrote it last, as user:name.';
COMMENT ON COLUMN dashboard.created_at IS 'When it was created.';
COMMENT ON COLUMN dashboard.updated_at IS 'When generation changed last; kept by a trigger.';
COMMENT ON COLUMN dashboard.deleted_at IS 'When it was soft-deleted.';
COMMENT ON COLUMN dashboard.purge_at IS 'From when on a soft-deleted dashboard may be removed for good.';

-- An insert that breaks both unique indexes is reported with the one that was created first: the exact name.
CREATE UNIQUE INDEX idx_dashboard_project_name ON dashboard (project, name);
CREATE UNIQUE INDEX idx_dashboard_project_name_case ON dashboard (project, lower(name));
CREATE INDEX idx_dashboard_active ON dashboard (project, name) WHERE state = 'active';
-- A name in the document may be longer than an index takes.
CREATE INDEX idx_dashboard_display_name ON dashboard (left(display_name, 200), id);
CREATE INDEX idx_dashboard_project_display_name ON dashboard (project, left(display_name, 200), id);
CREATE INDEX idx_dashboard_created_at ON dashboard (created_at, id);
CREATE INDEX idx_dashboard_project_created_at ON dashboard (project, created_at, id);
CREATE INDEX idx_dashboard_updated_at ON dashboard (updated_at, id);
CREATE INDEX idx_dashboard_project_updated_at ON dashboard (project, updated_at, id);
CREATE INDEX idx_dashboard_created_by ON dashboard (created_by);
CREATE INDEX idx_dashboard_metadata ON dashboard USING gin (metadata jsonb_path_ops);
COMMENT ON INDEX idx_dashboard_project_name IS 'Names are unique in a project; lookups by name, lists by name with deleted ones.';
COMMENT ON INDEX idx_dashboard_project_name_case IS 'Two names of a project may not differ in case alone: Perses lower-cases names.';
COMMENT ON INDEX idx_dashboard_active IS 'Lists of live dashboards by name.';
COMMENT ON INDEX idx_dashboard_display_name IS 'Lists of all projects by display name.';
COMMENT ON INDEX idx_dashboard_project_display_name IS 'Lists of a project by display name.';
COMMENT ON INDEX idx_dashboard_created_at IS 'Lists of all projects by time of creation.';
COMMENT ON INDEX idx_dashboard_project_created_at IS 'Lists of a project by time of creation.';
COMMENT ON INDEX idx_dashboard_updated_at IS 'Lists of all projects by time of the last change.';
COMMENT ON INDEX idx_dashboard_project_updated_at IS 'Lists of a project by time of the last change.';
COMMENT ON INDEX idx_dashboard_created_by IS 'Filter created_by.';
COMMENT ON INDEX idx_dashboard_metadata IS 'Filters tags and labels.';

CREATE FUNCTION set_updated_at() RETURNS trigger
    LANGUAGE plpgsql AS
$$
BEGIN
    -- A clock that steps back takes no change behind an earlier one.
    NEW.updated_at := GREATEST(clock_timestamp(), OLD.updated_at);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION set_updated_at() IS 'Trigger: stamps a row with the time of its change.';

CREATE TRIGGER dashboard_set_updated_at BEFORE UPDATE ON dashboard
    FOR EACH ROW WHEN (NEW.generation <> OLD.generation) EXECUTE FUNCTION set_updated_at();

CREATE TABLE dashboard_revision (
    dashboard_id uuid NOT NULL,
    revision integer NOT NULL,
    display_name text COLLATE "C" NOT NULL,
    description text NOT NULL,
    metadata jsonb NOT NULL,
    spec json NOT NULL,
    spec_sha256 bytea NOT NULL,
    spec_size_bytes integer NOT NULL,
    spec_value_sha256 bytea NOT NULL,
    change_note text NOT NULL DEFAULT '',
    author text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    restored_from integer,
    CONSTRAINT dashboard_revision_pkey PRIMARY KEY (dashboard_id, revision),
    CONSTRAINT dashboard_revision_dashboard_fkey FOREIGN KEY (dashboard_id) REFERENCES dashboard (id) ON DELETE CASCADE,
    CONSTRAINT dashboard_revision_revision_check CHECK (revision > 0),
    CONSTRAINT dashboard_revision_metadata_check CHECK (is_dashboard_metadata(metadata)),
    CONSTRAINT dashboard_revision_spec_check CHECK (json_typeof(spec) = 'object'),
    CONSTRAINT dashboard_revision_spec_sha256_check CHECK (octet_length(spec_sha256) = 32),
    CONSTRAINT dashboard_revision_spec_size_bytes_check CHECK (spec_size_bytes > 0),
    CONSTRAINT dashboard_revision_spec_value_sha256_check CHECK (octet_length(spec_value_sha256) = 32),
    CONSTRAINT dashboard_revision_change_note_check CHECK (char_length(change_note) <= 1000),
    CONSTRAINT dashboard_revision_restored_from_check CHECK (restored_from BETWEEN 1 AND revision - 1)
);
COMMENT ON TABLE dashboard_revision IS 'One immutable row per revision of a dashboard, the head included; the oldest are pruned.';
COMMENT ON COLUMN dashboard_revision.dashboard_id IS 'The dashboard.';
COMMENT ON COLUMN dashboard_revision.revision IS 'The number, from 1 and without gaps.';
COMMENT ON COLUMN dashboard_revision.display_name IS 'spec.display.name of this revision.';
COMMENT ON COLUMN dashboard_revision.description IS 'spec.display.description of this revision.';
COMMENT ON COLUMN dashboard_revision.metadata IS 'Tags and labels of this revision.';
COMMENT ON COLUMN dashboard_revision.spec IS 'The Perses spec, exactly the text that was written.';
COMMENT ON COLUMN dashboard_revision.spec_sha256 IS 'SHA-256 of the text of the spec.';
COMMENT ON COLUMN dashboard_revision.spec_size_bytes IS 'Size of the text of the spec in bytes.';
COMMENT ON COLUMN dashboard_revision.spec_value_sha256 IS 'SHA-256 of the canonical JSON value of the spec.';
COMMENT ON COLUMN dashboard_revision.change_note IS 'Why, in the words of the author.';
COMMENT ON COLUMN dashboard_revision.author IS 'Who wrote it, as user:name.';
COMMENT ON COLUMN dashboard_revision.created_at IS 'When it became the head.';
COMMENT ON COLUMN dashboard_revision.restored_from IS 'The revision that it repeats; null when it was written anew.';

-- lz4 reads several times faster than pglz; some builds of PostgreSQL lack it.
DO
$$
BEGIN
    ALTER TABLE dashboard ALTER COLUMN spec SET COMPRESSION lz4;
    ALTER TABLE dashboard_revision ALTER COLUMN spec SET COMPRESSION lz4;
EXCEPTION
    WHEN feature_not_supported THEN
        RAISE NOTICE 'this PostgreSQL lacks lz4, specs are compressed with pglz';
END
$$;

CREATE TABLE mutation_request (
    caller text COLLATE "C" NOT NULL,
    method text COLLATE "C" NOT NULL,
    request_id uuid NOT NULL,
    fingerprint bytea NOT NULL,
    answer jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT mutation_request_pkey PRIMARY KEY (caller, method, request_id),
    CONSTRAINT mutation_request_fingerprint_check CHECK (octet_length(fingerprint) = 32)
);
COMMENT ON TABLE mutation_request IS 'Idempotency keys: a mutation that is repeated within 24 hours gets its first answer again.';
COMMENT ON COLUMN mutation_request.caller IS 'Who called, as user:name.';
COMMENT ON COLUMN mutation_request.method IS 'The name of the RPC.';
COMMENT ON COLUMN mutation_request.request_id IS 'The request id, the caller''s or one that the server made up.';
COMMENT ON COLUMN mutation_request.fingerprint IS 'SHA-256 of the parsed request: another content under the same id is refused.';
COMMENT ON COLUMN mutation_request.answer IS 'The answer with a reference in place of the document.';
COMMENT ON COLUMN mutation_request.created_at IS 'When it was answered.';

CREATE INDEX idx_mutation_request_created_at ON mutation_request (created_at);
COMMENT ON INDEX idx_mutation_request_created_at IS 'Removal of expired request ids.';

INSERT INTO schema_version (version, description) VALUES (1, 'initial schema: dashboards, revisions, request ids');
