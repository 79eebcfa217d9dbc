DELETE FROM schema_version WHERE version = 3;
DROP TABLE dashboard_recent;
DROP TABLE dashboard_favorite;
DROP TABLE user_preferences;
DROP FUNCTION is_user_subject(text);
