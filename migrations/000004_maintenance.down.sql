DELETE FROM schema_version WHERE version = 4;
DROP INDEX idx_dashboard_purge_at;
DROP TABLE maintenance_task;
