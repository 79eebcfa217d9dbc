-- load_dashboards
-- Inserts the dashboards $1 to $2 with the document $3 and one revision each, in 20 projects: what half a million calls would
-- leave, in seconds. One in 20 is soft-deleted, one in 10 has the tag `tag-1`, one in 1,000 the tag `rare`, one in 50 the label
-- `team=team-1`, one in 100 is by `user:author-1`, and one in 2,000 by `user:rare`; projects, tags and authors are independent. One in
-- 10 came from a template, and one in 1,000 from `templates/rare`. Each uses the metric `up`, and one of its own:
-- `loaded_0000001_total` is used by the first alone.
WITH head AS (
    INSERT INTO dashboard (id, project, name, display_name, description, metadata, spec, spec_sha256, spec_size_bytes,
        spec_value_sha256, state, created_by, updated_by, created_at, updated_at, deleted_at, purge_at, panel_titles, metric_names,
        template_name, template_revision, template_parameters)
    SELECT
        gen_random_uuid(),
        'project-' || n % 20,
        'dashboard-' || lpad(n::text, 7, '0'),
        'Dashboard ' || md5(n::text),
        'Number ' || n,
        jsonb_build_object(
            'tags', jsonb_build_array('tag-' || n / 20 % 10) || CASE WHEN n / 20 % 1000 = 0 THEN '["rare"]' ELSE '[]'::jsonb END,
            'labels', jsonb_build_object('team', 'team-' || n / 200 % 50)
        ),
        $3::json,
        sha256(convert_to($3::text, 'UTF8')),
        octet_length($3::text),
        sha256(convert_to($3::text, 'UTF8')),
        CASE WHEN is_deleted THEN 'deleted' ELSE 'active' END,
        author,
        author,
        written_at,
        written_at,
        CASE WHEN is_deleted THEN now() END,
        CASE WHEN is_deleted THEN now() + interval '30 days' END,
        ARRAY['Health', 'Panel ' || md5('panel ' || n)],
        ARRAY['loaded_' || lpad(n::text, 7, '0') || '_total', 'up'],
        template,
        CASE WHEN template IS NOT NULL THEN 1 END,
        CASE WHEN template IS NOT NULL THEN '{}'::json END
    FROM generate_series($1::integer, $2::integer) AS n,
        LATERAL (SELECT
            n / 20 % 20 = 7 AS is_deleted,
            CASE WHEN n / 20 % 1000 = 9 THEN 'templates/rare' WHEN n / 20 % 10 = 9 THEN 'templates/common' END AS template,
            CASE WHEN n % 2000 = 0 THEN 'user:rare' ELSE 'user:author-' || n / 20 % 100 END AS author,
            timestamptz '2026-01-01Z' + make_interval(secs => n * 7919 % 1000003) AS written_at) AS row
    RETURNING *
)
INSERT INTO dashboard_revision (dashboard_id, revision, display_name, description, metadata, spec, spec_sha256,
    spec_size_bytes, spec_value_sha256, author, created_at, panel_titles, metric_names)
SELECT id, revision, display_name, description, metadata, spec, spec_sha256, spec_size_bytes, spec_value_sha256,
    updated_by, updated_at, panel_titles, metric_names
FROM head
