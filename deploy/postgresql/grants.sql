-- The rights of the role that `dashboard-store serve` logs in as: the least that it works with. The owner of the tables runs this
-- after each `dashboard-store migrate up`; docs/database-roles.md tells how the two roles are made. Run twice it changes nothing.
--
--     psql -v ON_ERROR_STOP=1 -f grants.sql

BEGIN;

-- What an earlier release needed and this one does not.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM dashboard_store_service;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM dashboard_store_service;

-- What dashboards, templates and users have.
GRANT SELECT, INSERT, UPDATE, DELETE ON
    dashboard, dashboard_template,
    user_preferences, dashboard_favorite, dashboard_recent,
    mutation_request
    TO dashboard_store_service;

-- What a dashboard was can't be rewritten. The oldest revisions go when there are too many; they are locked first, which takes UPDATE
-- of some column.
GRANT SELECT, INSERT, DELETE, UPDATE (change_note) ON dashboard_revision TO dashboard_store_service;

-- Who has which role.
-- UPDATE, because rows are locked.
GRANT SELECT, INSERT, UPDATE, DELETE ON access_grant TO dashboard_store_service;

-- When projects were purged.
GRANT SELECT, INSERT, UPDATE ON project_purge TO dashboard_store_service;

-- Share links. Those that expired are deleted.
GRANT SELECT, INSERT, UPDATE, DELETE ON share_token TO dashboard_store_service;

-- When maintenance ran.
GRANT SELECT, INSERT, UPDATE ON maintenance_task TO dashboard_store_service;

-- Whether the schema is the one that the service needs.
GRANT SELECT ON schema_version TO dashboard_store_service;

-- The audit log is appended to and read. Which event it is, when, and in which transaction, the database says alone: those columns
-- are left out. Partitions are written and read through their parent, so they are not named.
GRANT SELECT ON audit_log TO dashboard_store_service;
GRANT INSERT (
    actor, actor_groups, auth_method, method, permission, project, resource, resource_uid,
    revision_before, revision_after, sha256_before, sha256_after, changed_paths,
    result, reason, client_ip, user_agent, correlation_id, trace_id, event_count, details
) ON audit_log TO dashboard_store_service;
GRANT USAGE ON SEQUENCE audit_log_seq TO dashboard_store_service;

-- Seals are made by the service, checkpoints by maintenance as the owner.
GRANT SELECT, INSERT ON audit_seal TO dashboard_store_service;
GRANT SELECT ON audit_checkpoint TO dashboard_store_service;

COMMIT;
