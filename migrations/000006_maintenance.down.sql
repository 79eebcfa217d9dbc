DELETE FROM schema_version WHERE version = 6;
DROP INDEX idx_dashboard_purge_at;
DROP TABLE maintenance_task;
