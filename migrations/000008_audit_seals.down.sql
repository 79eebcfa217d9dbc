DELETE FROM schema_version WHERE version = 8;
DROP FUNCTION drop_audit_partition(text);
DROP TABLE audit_checkpoint;
DROP TABLE audit_seal;
