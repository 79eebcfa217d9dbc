DELETE FROM schema_version WHERE version = 7;
DROP TABLE project_purge;
DROP TABLE access_grant;
DROP FUNCTION is_grant_subject(text);
