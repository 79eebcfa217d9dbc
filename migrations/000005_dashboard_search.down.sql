DELETE FROM schema_version WHERE version = 5;
ALTER TABLE dashboard_revision
    DROP COLUMN metric_names,
    DROP COLUMN panel_titles;
-- The column of text first: it is made of the titles.
ALTER TABLE dashboard DROP COLUMN search_text;
ALTER TABLE dashboard
    DROP COLUMN metric_names,
    DROP COLUMN panel_titles;
DROP FUNCTION dashboard_search_text(text, text, text, jsonb, text[]);
