-- Templates, and where dashboards came from.

CREATE TABLE dashboard_template (
    id uuid CONSTRAINT dashboard_template_pkey PRIMARY KEY,
    project text COLLATE "C",
    name text COLLATE "C" NOT NULL,
    resource_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
        CASE WHEN project IS NULL THEN 'templates/' || name ELSE 'projects/' || project || '/templates/' || name END
    ) STORED,
    is_system boolean NOT NULL GENERATED ALWAYS AS (project IS NULL) STORED,
    display_name text COLLATE "C" NOT NULL,
    description text NOT NULL,
    category text NOT NULL,
    parameters json NOT NULL,
    spec json NOT NULL,
    spec_sha256 bytea NOT NULL,
    spec_size_bytes integer NOT NULL,
    system_version integer,
    revision integer NOT NULL DEFAULT 1,
    generation bigint NOT NULL DEFAULT 1,
    usage_count integer NOT NULL DEFAULT 0,
    last_used_at timestamptz,
    created_by text COLLATE "C" NOT NULL,
    updated_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT dashboard_template_project_check CHECK (is_resource_id(project)),
    CONSTRAINT dashboard_template_name_check CHECK (is_resource_id(name)),
    CONSTRAINT dashboard_template_display_name_check CHECK (char_length(display_name) <= 200),
    CONSTRAINT dashboard_template_description_check CHECK (char_length(description) <= 2000),
    CONSTRAINT dashboard_template_category_check CHECK (
        category IN ('model_serving', 'training_job', 'notebook_server', 'data_pipeline', 'general')
    ),
    CONSTRAINT dashboard_template_parameters_check CHECK (json_typeof(parameters) = 'array'),
    CONSTRAINT dashboard_template_spec_check CHECK (json_typeof(spec) = 'object'),
    CONSTRAINT dashboard_template_spec_sha256_check CHECK (octet_length(spec_sha256) = 32),
    CONSTRAINT dashboard_template_spec_size_bytes_check CHECK (spec_size_bytes > 0),
    CONSTRAINT dashboard_template_system_version_check CHECK (
        (system_version IS NOT NULL) = (project IS NULL) AND system_version > 0
    ),
    CONSTRAINT dashboard_template_revision_check CHECK (revision > 0),
    CONSTRAINT dashboard_template_generation_check CHECK (generation >= revision),
    CONSTRAINT dashboard_template_usage_count_check CHECK (usage_count >= 0)
);
COMMENT ON TABLE dashboard_template IS 'Templates: of projects, and those that come with the service.';
COMMENT ON COLUMN dashboard_template.id IS 'The uid of the API (UUIDv7): names one life of a template.';
COMMENT ON COLUMN dashboard_template.project IS 'The Perses project; null for a system template.';
COMMENT ON COLUMN dashboard_template.name IS 'The id of the API: the last segment of the resource name.';
COMMENT ON COLUMN dashboard_template.resource_name IS 'The resource name, as a dashboard keeps it in template_name.';
COMMENT ON COLUMN dashboard_template.is_system IS 'Whether it comes with the service.';
COMMENT ON COLUMN dashboard_template.display_name IS 'What people call it.';
COMMENT ON COLUMN dashboard_template.description IS 'What its dashboards show.';
COMMENT ON COLUMN dashboard_template.category IS 'model_serving, training_job, notebook_server, data_pipeline or general.';
COMMENT ON COLUMN dashboard_template.parameters IS 'The declarations of its parameters, in their order.';
COMMENT ON COLUMN dashboard_template.spec IS 'The Perses spec with slots, exactly the text that was written.';
COMMENT ON COLUMN dashboard_template.spec_sha256 IS 'SHA-256 of the text of the spec.';
COMMENT ON COLUMN dashboard_template.spec_size_bytes IS 'Size of the text of the spec in bytes.';
COMMENT ON COLUMN dashboard_template.system_version IS 'The version of a system template, of the newest release that ran; null for one of a project.';
COMMENT ON COLUMN dashboard_template.revision IS 'Counts changes of content, from 1.';
COMMENT ON COLUMN dashboard_template.generation IS 'Counts every write that the API shows, from 1; the etag is made of it.';
COMMENT ON COLUMN dashboard_template.usage_count IS 'How many dashboards came from it, as update_template_usage_stats() counted last.';
COMMENT ON COLUMN dashboard_template.last_used_at IS 'When the newest of them was made; stays when they are purged.';
COMMENT ON COLUMN dashboard_template.created_by IS 'Who created it, as user:name.';
COMMENT ON COLUMN dashboard_template.updated_by IS 'Who wrote it last, as user:name.';
COMMENT ON COLUMN dashboard_template.created_at IS 'When it was created.';
COMMENT ON COLUMN dashboard_template.updated_at IS 'When generation changed last; kept by a trigger. Counting uses is no change.';

-- lz4 reads several times faster than pglz; some builds of PostgreSQL lack it.
DO
$$
BEGIN
    ALTER TABLE dashboard_template ALTER COLUMN spec SET COMPRESSION lz4;
EXCEPTION
    WHEN feature_not_supported THEN
        RAISE NOTICE 'this PostgreSQL lacks lz4, specs are compressed with pglz';
END
$$;

CREATE UNIQUE INDEX idx_dashboard_template_resource_name ON dashboard_template (resource_name);
CREATE INDEX idx_dashboard_template_project ON dashboard_template (project, resource_name);
CREATE INDEX idx_dashboard_template_category ON dashboard_template (category, resource_name);
CREATE INDEX idx_dashboard_template_system ON dashboard_template (resource_name) WHERE is_system;
CREATE INDEX idx_dashboard_template_usage ON dashboard_template (usage_count, id);
COMMENT ON INDEX idx_dashboard_template_resource_name IS 'Names are unique; lookups by name, lists of all by name.';
COMMENT ON INDEX idx_dashboard_template_project IS 'Lists of the templates of a project.';
COMMENT ON INDEX idx_dashboard_template_category IS 'Filter category.';
COMMENT ON INDEX idx_dashboard_template_system IS 'System templates, which are in the lists of every project; filter is_system.';
COMMENT ON INDEX idx_dashboard_template_usage IS 'Lists of all by how often they were used.';

CREATE TRIGGER dashboard_template_set_updated_at BEFORE UPDATE ON dashboard_template
    FOR EACH ROW WHEN (NEW.generation <> OLD.generation) EXECUTE FUNCTION set_updated_at();

-- No foreign key: where a dashboard came from stays readable when the template is gone.
ALTER TABLE dashboard
    ADD COLUMN template_name text COLLATE "C",
    ADD COLUMN template_revision integer,
    ADD COLUMN template_parameters json,
    ADD CONSTRAINT dashboard_template_origin_check CHECK (
        num_nulls(template_name, template_revision, template_parameters) IN (0, 3)
        AND template_revision > 0 AND json_typeof(template_parameters) = 'object'
    );
COMMENT ON COLUMN dashboard.template_name IS 'The resource name of the template that it came from; null where it was written by hand.';
COMMENT ON COLUMN dashboard.template_revision IS 'The revision of the template at that time.';
COMMENT ON COLUMN dashboard.template_parameters IS 'The value of every parameter, by its name: as it was given, or the default.';

CREATE INDEX idx_dashboard_template ON dashboard (template_name, created_at) WHERE template_name IS NOT NULL;
COMMENT ON INDEX idx_dashboard_template IS 'Filter template; counting the uses of templates.';

CREATE FUNCTION update_template_usage_stats(batch_size integer DEFAULT 1000) RETURNS integer
    LANGUAGE sql AS
$$
    -- update_template_usage_stats
    -- A dashboard that is older than the template came from an earlier one of the same name.
    WITH usage AS (
        SELECT t.id, count(d.id)::integer AS uses, max(d.created_at) AS newest
        FROM dashboard_template AS t
        LEFT JOIN dashboard AS d ON d.template_name = t.resource_name AND d.created_at >= t.created_at
        GROUP BY t.id
    ), outdated AS (
        SELECT t.id, uses, GREATEST(t.last_used_at, newest) AS last_use
        FROM dashboard_template AS t JOIN usage USING (id)
        WHERE (t.usage_count, t.last_used_at) IS DISTINCT FROM (uses, GREATEST(t.last_used_at, newest))
        ORDER BY t.id
        LIMIT batch_size
        -- Whoever writes a template now is not waited for; the next run counts it.
        FOR UPDATE OF t SKIP LOCKED
    ), counted AS (
        UPDATE dashboard_template AS t SET usage_count = uses, last_used_at = last_use
        FROM outdated WHERE t.id = outdated.id
        RETURNING t.id
    )
    SELECT count(*)::integer FROM counted;
$$;
COMMENT ON FUNCTION update_template_usage_stats(integer) IS 'Counts the dashboards that came from each template; changes at most so many templates at once, and returns how many it changed.';

INSERT INTO schema_version (version, description) VALUES (4, 'templates: their table, the origin of dashboards, usage counts');
