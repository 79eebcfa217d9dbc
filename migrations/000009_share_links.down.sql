DELETE FROM schema_version WHERE version = 9;
DROP FUNCTION cleanup_expired_tokens(integer);
DROP TABLE share_token;
