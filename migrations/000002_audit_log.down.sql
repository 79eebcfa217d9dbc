DELETE FROM schema_version WHERE version = 2;
DROP FUNCTION ensure_audit_partitions(integer);
DROP TABLE audit_log;
DROP FUNCTION refuse_audit_change();
