-- Maintenance: when each task ran, and an index that finds what is to be purged.

CREATE TABLE maintenance_task (
    name text COLLATE "C" CONSTRAINT maintenance_task_pkey PRIMARY KEY,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    changed_rows bigint NOT NULL DEFAULT 0,
    CONSTRAINT maintenance_task_name_check CHECK (name ~ '^[a-z][a-z_]*$'),
    CONSTRAINT maintenance_task_changed_rows_check CHECK (changed_rows >= 0)
);
COMMENT ON TABLE maintenance_task IS 'When each task of maintenance ran last, on whichever server.';
COMMENT ON COLUMN maintenance_task.name IS 'The task.';
COMMENT ON COLUMN maintenance_task.started_at IS 'When the last run began; the next one is due an interval later.';
COMMENT ON COLUMN maintenance_task.finished_at IS 'When a run last did all that was to do; before started_at when a run is under way, or broke off.';
COMMENT ON COLUMN maintenance_task.changed_rows IS 'What the last run made or removed.';

CREATE INDEX idx_dashboard_purge_at ON dashboard (purge_at) WHERE state = 'deleted';
COMMENT ON INDEX idx_dashboard_purge_at IS 'Soft-deleted dashboards whose time has come.';

INSERT INTO schema_version (version, description) VALUES (6, 'maintenance: when each task ran, what is to be purged');
