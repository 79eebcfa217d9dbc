DELETE FROM schema_version WHERE version = 4;
DROP FUNCTION update_template_usage_stats(integer);
DROP INDEX idx_dashboard_template;
ALTER TABLE dashboard
    DROP CONSTRAINT dashboard_template_origin_check,
    DROP COLUMN template_parameters,
    DROP COLUMN template_revision,
    DROP COLUMN template_name;
DROP TABLE dashboard_template;
