DELETE FROM schema_version WHERE version = 1;
DROP TABLE mutation_request;
DROP TABLE dashboard_revision;
DROP TABLE dashboard;
DROP FUNCTION set_updated_at();
DROP FUNCTION is_dashboard_metadata(jsonb);
DROP FUNCTION is_resource_id(text);
DROP TABLE schema_version;
