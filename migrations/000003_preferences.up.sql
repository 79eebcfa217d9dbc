-- What users keep for themselves: preferences, favourite dashboards, and which dashboards they looked at last.

CREATE FUNCTION is_user_subject(subject text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN subject ~ '^user:.' AND octet_length(subject) <= 517;
COMMENT ON FUNCTION is_user_subject(text) IS 'Whether a text is user:name with a name of 1 to 512 bytes.';

CREATE TABLE user_preferences (
    id uuid CONSTRAINT user_preferences_pkey PRIMARY KEY,
    subject text COLLATE "C" NOT NULL,
    home_dashboard text COLLATE "C" NOT NULL,
    theme text NOT NULL,
    timezone text NOT NULL,
    rows_per_page integer NOT NULL,
    settings json NOT NULL,
    generation bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT user_preferences_subject_check CHECK (is_user_subject(subject)),
    CONSTRAINT user_preferences_home_dashboard_check CHECK (
        home_dashboard = '' OR (home_dashboard ~ '^projects/[^/]+/dashboards/[^/]+$'
            AND is_resource_id(split_part(home_dashboard, '/', 2)) AND is_resource_id(split_part(home_dashboard, '/', 4)))
    ),
    CONSTRAINT user_preferences_theme_check CHECK (theme IN ('', 'light', 'dark', 'system')),
    CONSTRAINT user_preferences_timezone_check CHECK (octet_length(timezone) <= 100),
    CONSTRAINT user_preferences_rows_per_page_check CHECK (rows_per_page BETWEEN 0 AND 500),
    CONSTRAINT user_preferences_settings_check CHECK (json_typeof(settings) = 'object' AND octet_length(settings::text) <= 65536),
    CONSTRAINT user_preferences_generation_check CHECK (generation > 0)
);
COMMENT ON TABLE user_preferences IS 'The preferences of each user who has written some.';
COMMENT ON COLUMN user_preferences.id IS 'Names this row in etags (UUIDv7).';
COMMENT ON COLUMN user_preferences.subject IS 'Whose, as user:name.';
COMMENT ON COLUMN user_preferences.home_dashboard IS 'The name of the dashboard to begin with, which need not exist; empty when not set.';
COMMENT ON COLUMN user_preferences.theme IS 'light, dark or system; empty when not set.';
COMMENT ON COLUMN user_preferences.timezone IS 'local or a name of the IANA database; empty when not set.';
COMMENT ON COLUMN user_preferences.rows_per_page IS 'Rows of a page of a table; 0 when not set.';
COMMENT ON COLUMN user_preferences.settings IS 'Whatever else a user interface keeps, an object. Text: as jsonb a number such as 1e300 is read as 301 digits.';
COMMENT ON COLUMN user_preferences.generation IS 'Counts the writes, from 1; the etag is made of it.';
COMMENT ON COLUMN user_preferences.created_at IS 'When they were written first.';
COMMENT ON COLUMN user_preferences.updated_at IS 'When generation changed last; kept by a trigger.';

CREATE UNIQUE INDEX idx_user_preferences_subject ON user_preferences (subject);
COMMENT ON INDEX idx_user_preferences_subject IS 'Every user has preferences once; lookups by user.';

CREATE TRIGGER user_preferences_set_updated_at BEFORE UPDATE ON user_preferences
    FOR EACH ROW WHEN (NEW.generation <> OLD.generation) EXECUTE FUNCTION set_updated_at();

-- The keys of both tables begin with the dashboard: when it is purged, its rows are found by them.
CREATE TABLE dashboard_favorite (
    dashboard_id uuid NOT NULL,
    subject text COLLATE "C" NOT NULL,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    added_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT dashboard_favorite_pkey PRIMARY KEY (dashboard_id, subject),
    CONSTRAINT dashboard_favorite_dashboard_fkey FOREIGN KEY (dashboard_id) REFERENCES dashboard (id) ON DELETE CASCADE,
    CONSTRAINT dashboard_favorite_subject_check CHECK (is_user_subject(subject))
);
COMMENT ON TABLE dashboard_favorite IS 'The favourite dashboards of users, soft-deleted ones included: they come back with their place.';
COMMENT ON COLUMN dashboard_favorite.dashboard_id IS 'The dashboard.';
COMMENT ON COLUMN dashboard_favorite.subject IS 'Whose favourite it is, as user:name.';
COMMENT ON COLUMN dashboard_favorite.position IS 'Orders the favourites of a user: grows with each one that is added.';
COMMENT ON COLUMN dashboard_favorite.added_at IS 'When it was added.';

CREATE UNIQUE INDEX idx_dashboard_favorite_position ON dashboard_favorite (subject, position) INCLUDE (dashboard_id);
COMMENT ON INDEX idx_dashboard_favorite_position IS 'Lists of the favourites of a user, in their order, and how many there are.';

CREATE TABLE dashboard_recent (
    dashboard_id uuid NOT NULL,
    subject text COLLATE "C" NOT NULL,
    viewed_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT dashboard_recent_pkey PRIMARY KEY (dashboard_id, subject),
    CONSTRAINT dashboard_recent_dashboard_fkey FOREIGN KEY (dashboard_id) REFERENCES dashboard (id) ON DELETE CASCADE,
    CONSTRAINT dashboard_recent_subject_check CHECK (is_user_subject(subject))
);
COMMENT ON TABLE dashboard_recent IS 'The 100 dashboards that each user looked at last.';
COMMENT ON COLUMN dashboard_recent.dashboard_id IS 'The dashboard.';
COMMENT ON COLUMN dashboard_recent.subject IS 'Who looked at it, as user:name.';
COMMENT ON COLUMN dashboard_recent.viewed_at IS 'When, the last time.';

CREATE INDEX idx_dashboard_recent_viewed_at ON dashboard_recent (subject, viewed_at, dashboard_id);
COMMENT ON INDEX idx_dashboard_recent_viewed_at IS 'Lists of what a user looked at last, and what is too old to be kept of it.';

INSERT INTO schema_version (version, description) VALUES (3, 'preferences, favourites and recent dashboards of users');
