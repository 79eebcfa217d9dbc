-- load_templates
-- Inserts $1 templates with the document $2: one in 200 comes with the service, the others are in 20 projects. One in 100 is for
-- notebooks, and nearly half were never used.
INSERT INTO dashboard_template (id, project, name, display_name, description, category, parameters, spec, spec_sha256,
    spec_size_bytes, system_version, usage_count, created_by, updated_by, created_at, updated_at)
SELECT
    gen_random_uuid(),
    CASE WHEN n % 200 > 0 THEN 'project-' || n % 20 END,
    'template-' || lpad(n::text, 7, '0'),
    'Template ' || md5(n::text),
    'Number ' || n,
    CASE WHEN n % 100 = 1 THEN 'notebook_server' ELSE 'general' END,
    '[]',
    $2::json,
    sha256(convert_to($2::text, 'UTF8')),
    octet_length($2::text),
    CASE WHEN n % 200 = 0 THEN 1 END,
    GREATEST(0, n * 7919 % 1000 - 400),
    'user:author-' || n % 100,
    'user:author-' || n % 100,
    timestamptz '2026-01-01Z' + make_interval(secs => n * 7919 % 1000003),
    timestamptz '2026-01-01Z' + make_interval(secs => n * 7919 % 1000003)
FROM generate_series(1, $1::integer) AS n
