-- Who has which role on what, and when a project of an earlier life ended.

CREATE FUNCTION is_grant_subject(subject text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN subject ~ '^(user|group):.' AND octet_length(subject) - position(':' IN subject) <= 512;
COMMENT ON FUNCTION is_grant_subject(text) IS 'Whether a text is user:name or group:name with a name of 1 to 512 bytes.';

CREATE TABLE access_grant (
    id uuid CONSTRAINT access_grant_pkey PRIMARY KEY,
    project text COLLATE "C",
    dashboard_id uuid,
    subject text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT access_grant_project_check CHECK (is_resource_id(project)),
    CONSTRAINT access_grant_resource_check CHECK (num_nonnulls(project, dashboard_id) <= 1),
    CONSTRAINT access_grant_subject_check CHECK (is_grant_subject(subject)),
    CONSTRAINT access_grant_role_check CHECK (role IN ('viewer', 'editor', 'admin', 'auditor', 'gateway', 'platform-admin')),
    CONSTRAINT access_grant_role_resource_check CHECK (
        CASE
            WHEN dashboard_id IS NOT NULL THEN role IN ('viewer', 'editor')
            WHEN project IS NOT NULL THEN role IN ('viewer', 'editor', 'admin')
            ELSE true
        END
    ),
    CONSTRAINT access_grant_dashboard_fkey FOREIGN KEY (dashboard_id) REFERENCES dashboard (id) ON DELETE CASCADE
);
COMMENT ON TABLE access_grant IS 'Roles of users and groups on the platform, on a project, or on one dashboard.';
COMMENT ON COLUMN access_grant.id IS 'The last segment of the name in the API (UUIDv7).';
COMMENT ON COLUMN access_grant.project IS 'The project; null where the grant is on the platform or on a dashboard.';
COMMENT ON COLUMN access_grant.dashboard_id IS 'The dashboard, in this life of it; null where the grant is on the platform or on a project.';
COMMENT ON COLUMN access_grant.subject IS 'Who has the role, as user:name or group:name.';
COMMENT ON COLUMN access_grant.role IS 'The role. On the platform, viewer, editor and admin are had on every project.';
COMMENT ON COLUMN access_grant.created_by IS 'Who granted it, as user:name.';
COMMENT ON COLUMN access_grant.created_at IS 'When it was granted.';

-- Each kind of resource has its index: a role is granted to a subject once on it, and lists are ordered so.
CREATE UNIQUE INDEX idx_access_grant_platform ON access_grant (subject, role) WHERE project IS NULL AND dashboard_id IS NULL;
CREATE UNIQUE INDEX idx_access_grant_project ON access_grant (project, subject, role) WHERE project IS NOT NULL;
CREATE UNIQUE INDEX idx_access_grant_dashboard ON access_grant (dashboard_id, subject, role) WHERE dashboard_id IS NOT NULL;
CREATE INDEX idx_access_grant_subject ON access_grant (subject);
COMMENT ON INDEX idx_access_grant_platform IS 'A role is granted once on the platform; lists of its grants.';
COMMENT ON INDEX idx_access_grant_project IS 'A role is granted once on a project; lists of its grants.';
COMMENT ON INDEX idx_access_grant_dashboard IS 'A role is granted once on a dashboard; lists of its grants, and their removal with it.';
COMMENT ON INDEX idx_access_grant_subject IS 'Decisions: all that a caller and its groups were granted.';

-- A project has no record: this is what is left of one that was purged.
CREATE TABLE project_purge (
    project text COLLATE "C" CONSTRAINT project_purge_pkey PRIMARY KEY,
    purged_at timestamptz NOT NULL,
    CONSTRAINT project_purge_project_check CHECK (is_resource_id(project))
);
COMMENT ON TABLE project_purge IS 'When a project was last purged. What is of its name since then is another project.';
COMMENT ON COLUMN project_purge.project IS 'The project.';
COMMENT ON COLUMN project_purge.purged_at IS 'When; its events up to then are not those of a later project.';

INSERT INTO schema_version (version, description) VALUES (7, 'access grants: roles on the platform, projects and dashboards');
