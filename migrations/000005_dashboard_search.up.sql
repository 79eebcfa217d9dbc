-- What dashboards are searched by: the text of names, tags and panel titles by its trigrams, metrics by their exact names.

-- A trusted extension of PostgreSQL's own: whoever may create objects in the database may create it, where it is installed.
DO
$$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'search needs the extension pg_trgm, which % may not create here', current_user
            USING ERRCODE = 'insufficient_privilege',
                HINT = 'Let an administrator run CREATE EXTENSION pg_trgm in this database, then migrate again.';
    -- Before PostgreSQL 16 a missing extension is a missing file.
    WHEN undefined_file OR feature_not_supported THEN
        RAISE EXCEPTION 'search needs the extension pg_trgm, which this PostgreSQL lacks'
            USING ERRCODE = 'feature_not_supported',
                HINT = 'Install the package with the additional modules of PostgreSQL (postgresql-contrib), then migrate again.';
END
$$;

-- One line for each field and each of its elements: a word, which holds no white space, never matches across two of them.
CREATE FUNCTION dashboard_search_text(name text, display_name text, description text, metadata jsonb, panel_titles text[])
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lower(
        concat_ws(
            E'\n', name, display_name, left(description, 4000),
            (SELECT string_agg(tag, E'\n') FROM jsonb_array_elements_text(metadata -> 'tags') AS tag),
            array_to_string(panel_titles, E'\n')
        ) COLLATE "default"
    );
COMMENT ON FUNCTION dashboard_search_text(text, text, text, jsonb, text[]) IS 'The text that a search looks for words in, in lower case.';

ALTER TABLE dashboard
    ADD COLUMN panel_titles text[] NOT NULL DEFAULT '{}',
    ADD COLUMN metric_names text[] COLLATE "C" NOT NULL DEFAULT '{}',
    ADD COLUMN search_text text COLLATE "C" NOT NULL
        GENERATED ALWAYS AS (dashboard_search_text(name, display_name, description, metadata, panel_titles)) STORED;
COMMENT ON COLUMN dashboard.panel_titles IS 'The titles of the panels, extracted when the spec is written.';
COMMENT ON COLUMN dashboard.metric_names IS 'The metrics that queries, variables and annotations name, extracted when the spec is written.';
COMMENT ON COLUMN dashboard.search_text IS 'What a search looks for words in: name, display name, description, tags and panel titles in lower case.';

ALTER TABLE dashboard_revision
    ADD COLUMN panel_titles text[] NOT NULL DEFAULT '{}',
    ADD COLUMN metric_names text[] COLLATE "C" NOT NULL DEFAULT '{}';
COMMENT ON COLUMN dashboard_revision.panel_titles IS 'The titles of the panels of this revision: restoring it takes them from here.';
COMMENT ON COLUMN dashboard_revision.metric_names IS 'The metrics that this revision names: restoring it takes them from here.';

-- Each search reads the list of pending entries from end to end: a short one keeps it fast while others write.
CREATE INDEX idx_dashboard_name_trgm ON dashboard USING gin (search_text gin_trgm_ops)
    WITH (gin_pending_list_limit = 512) WHERE state = 'active';
CREATE INDEX idx_dashboard_metric_names ON dashboard USING gin (metric_names) WHERE state = 'active';
COMMENT ON INDEX idx_dashboard_name_trgm IS 'Searches for words in names, descriptions, tags and panel titles.';
COMMENT ON INDEX idx_dashboard_metric_names IS 'Searches for dashboards that use a metric.';

INSERT INTO schema_version (version, description) VALUES (5, 'search by words and by metrics');
