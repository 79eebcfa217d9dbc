//! What a caller may do with all that is known of it: its roles on the platform, and its grants.

use std::sync::Arc;

use uuid::Uuid;

use super::grants::{Grant, GrantedOn};
use super::permission::Permission;
use super::{Reach, Scope};
use crate::domain::name::{DashboardName, ProjectId};
use crate::domain::role::Role;

/// All that is known of a caller.
#[derive(Debug, Default)]
pub struct Rights {
    /// Whether the caller is the user whose own things are asked for.
    pub is_that_user: bool,
    /// The roles that the caller has on the platform.
    pub roles_on_platform: Vec<Role>,
    /// All that was granted to the caller.
    pub grants: Arc<[Grant]>,
}

impl Rights {
    /// Those of a caller that has `roles` on the platform without a grant.
    pub fn new(mut roles: Vec<Role>, grants: Arc<[Grant]>) -> Self {
        let on_platform = grants.iter().filter(|grant| grant.on == GrantedOn::Platform);
        roles.extend(on_platform.map(|grant| grant.role));
        Self {
            is_that_user: false,
            roles_on_platform: roles,
            grants,
        }
    }

    /// How much of `scope` the permission is had on; none for nothing. What is not named here is denied.
    pub fn reach(&self, permission: Permission, scope: &Scope) -> Option<Reach> {
        match scope {
            Scope::User(_) => (self.is_that_user && permission.is_of_users()).then_some(Reach::Whole),
            Scope::Platform => self.may_on_platform(permission).then_some(Reach::Whole),
            Scope::AllProjects => self.reach_in_all(permission),
            Scope::Project(project) if self.may_in(project, permission) => Some(Reach::Whole),
            Scope::Project(project) if permission.reads_dashboards() => {
                self.reach_of_dashboards(permission, |name| name.project() == project)
            }
            Scope::Project(_) => None,
            Scope::Dashboard(name) if self.may_in(name.project(), permission) => Some(Reach::Whole),
            Scope::Dashboard(wanted) => self.reach_of_dashboards(permission, |name| name == wanted),
        }
    }

    /// What comes with the service is open to whoever is known, to be read; all else there takes a role of the platform.
    fn may_on_platform(&self, permission: Permission) -> bool {
        let mut of_platform = self.roles_on_platform.iter().filter(|role| role.is_of_platform());
        permission.reads_template() || permission.is_in_a_token() || of_platform.any(|role| role.may(permission))
    }

    fn may_everywhere(&self, permission: Permission) -> bool {
        self.roles_on_platform.iter().any(|role| role.may(permission))
    }

    fn may_in(&self, project: &ProjectId, permission: Permission) -> bool {
        let mut in_projects = self.granted(permission).filter_map(|grant| grant.on.project());
        self.may_everywhere(permission) || in_projects.any(|granted| granted == project)
    }

    /// Some of all projects, or none of them, can be read; nothing else can be done to all of them.
    fn reach_in_all(&self, permission: Permission) -> Option<Reach> {
        if permission == Permission::AuditEventsGet {
            return self.reach_of_audit_events(permission);
        }
        if !permission.reads_dashboards() && permission != Permission::TemplatesList {
            return None;
        }
        if self.may_everywhere(permission) {
            return Some(Reach::Whole);
        }
        let projects = self.granted(permission).filter_map(|grant| grant.on.project());
        Some(Reach::Parts {
            projects: projects.cloned().collect(),
            dashboards: self.dashboards(permission, |_| true),
        })
    }

    /// The name of an event says nothing of its project. All events are for the roles of the platform: some are about the
    /// platform itself.
    fn reach_of_audit_events(&self, permission: Permission) -> Option<Reach> {
        if self.may_on_platform(permission) {
            return Some(Reach::Whole);
        }
        if self.may_everywhere(permission) {
            return Some(Reach::EachProject);
        }
        let on_projects = self.granted(permission).filter_map(|grant| grant.on.project());
        let projects: Vec<ProjectId> = on_projects.cloned().collect();
        let dashboards = Vec::new();
        (!projects.is_empty()).then_some(Reach::Parts { projects, dashboards })
    }

    /// Single dashboards; none where there are none.
    fn reach_of_dashboards(&self, permission: Permission, is_wanted: impl Fn(&DashboardName) -> bool) -> Option<Reach> {
        let dashboards = self.dashboards(permission, is_wanted);
        let projects = Vec::new();
        (!dashboards.is_empty()).then_some(Reach::Parts { projects, dashboards })
    }

    fn dashboards(&self, permission: Permission, is_wanted: impl Fn(&DashboardName) -> bool) -> Vec<Uuid> {
        let on_dashboards = self.granted(permission).filter_map(|grant| grant.on.dashboard());
        on_dashboards
            .filter(|(_, name)| is_wanted(name))
            .map(|(uid, _)| uid)
            .collect()
    }

    /// The grants that give the permission, on whatever they are.
    fn granted(&self, permission: Permission) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(move |grant| grant.role.may(permission))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: Uuid = Uuid::from_u128(1);

    fn dashboard(name: &str) -> DashboardName {
        DashboardName::parse("name", name).unwrap()
    }

    fn project(id: &str) -> ProjectId {
        ProjectId::parse("project", id).unwrap()
    }

    fn on_platform(roles: &[Role]) -> Rights {
        Rights {
            roles_on_platform: roles.to_vec(),
            ..Rights::default()
        }
    }

    fn granted(on: GrantedOn, role: Role) -> Rights {
        Rights {
            grants: [Grant { on, role }].into(),
            ..Rights::default()
        }
    }

    fn on_project(role: Role) -> Rights {
        granted(GrantedOn::Project(project("p")), role)
    }

    fn on_dashboard(role: Role) -> Rights {
        let name = dashboard("projects/p/dashboards/d");
        granted(GrantedOn::Dashboard { uid: UID, name }, role)
    }

    fn parts(projects: &[&str], dashboards: &[Uuid]) -> Option<Reach> {
        Some(Reach::Parts {
            projects: projects.iter().map(|id| project(id)).collect(),
            dashboards: dashboards.to_vec(),
        })
    }

    #[test]
    fn nothing_is_allowed_to_whoever_has_no_role() {
        let nobody = Rights::default();
        let scopes = [
            Scope::Project(project("p")),
            Scope::Dashboard(dashboard("projects/p/dashboards/d")),
        ];
        for scope in scopes {
            assert_eq!(nobody.reach(Permission::DashboardsGet, &scope), None);
        }
        assert_eq!(
            nobody.reach(Permission::DashboardsList, &Scope::AllProjects),
            parts(&[], &[])
        );
        assert_eq!(
            nobody.reach(Permission::TemplatesGet, &Scope::Platform),
            Some(Reach::Whole)
        );
        assert_eq!(nobody.reach(Permission::TemplatesUpdate, &Scope::Platform), None);
    }

    #[test]
    fn a_role_on_a_project_ends_there() {
        let editor = on_project(Role::Editor);
        let update = |name: &str| editor.reach(Permission::DashboardsUpdate, &Scope::Dashboard(dashboard(name)));
        assert_eq!(update("projects/p/dashboards/any"), Some(Reach::Whole));
        assert_eq!(update("projects/q/dashboards/any"), None);
        let create = |id| editor.reach(Permission::DashboardsCreate, &Scope::Project(project(id)));
        assert_eq!((create("p"), create("q")), (Some(Reach::Whole), None));
        assert_eq!(
            editor.reach(Permission::DashboardsList, &Scope::AllProjects),
            parts(&["p"], &[])
        );
        assert_eq!(
            editor.reach(Permission::DashboardsPurge, &Scope::Project(project("p"))),
            None
        );
    }

    #[test]
    fn a_role_on_a_dashboard_is_for_its_life() {
        let viewer = on_dashboard(Role::Viewer);
        let get = |name: &str| viewer.reach(Permission::DashboardsGet, &Scope::Dashboard(dashboard(name)));
        assert_eq!(get("projects/p/dashboards/d"), parts(&[], &[UID]));
        assert_eq!(get("projects/p/dashboards/e"), None);
        assert_eq!(get("projects/q/dashboards/d"), None);
        let list = |id| viewer.reach(Permission::DashboardsList, &Scope::Project(project(id)));
        assert_eq!((list("p"), list("q")), (parts(&[], &[UID]), None));
        assert_eq!(
            viewer.reach(Permission::DashboardsSearch, &Scope::AllProjects),
            parts(&[], &[UID])
        );
        assert_eq!(
            viewer.reach(Permission::TemplatesList, &Scope::Project(project("p"))),
            None
        );
        let editor = on_dashboard(Role::Editor);
        assert_eq!(
            editor.reach(Permission::DashboardsCreate, &Scope::Project(project("p"))),
            None
        );
    }

    #[test]
    fn roles_of_projects_on_the_platform_are_had_on_each_project_and_not_on_the_platform() {
        let admin = on_platform(&[Role::Admin]);
        let grant = |scope: &Scope| admin.reach(Permission::AccessGrantsCreate, scope);
        assert_eq!(grant(&Scope::Project(project("p"))), Some(Reach::Whole));
        assert_eq!(grant(&Scope::Platform), None);
        let platform_admin = on_platform(&[Role::PlatformAdmin]);
        let reach = platform_admin.reach(Permission::AccessGrantsCreate, &Scope::Platform);
        assert_eq!(reach, Some(Reach::Whole));
    }

    #[test]
    fn only_reading_can_be_asked_for_on_all_projects() {
        let admin = on_platform(&[Role::PlatformAdmin]);
        let reach = |permission| admin.reach(permission, &Scope::AllProjects);
        assert_eq!(reach(Permission::DashboardsExport), Some(Reach::Whole));
        assert_eq!(reach(Permission::DashboardsImport), None);
        assert_eq!(reach(Permission::ProjectsPurge), None);
    }

    #[test]
    fn what_a_user_keeps_is_for_that_user_alone() {
        let user = crate::domain::user::UserId::new("name", "ada").unwrap();
        let scope = Scope::User(user);
        let herself = Rights {
            is_that_user: true,
            ..Rights::default()
        };
        assert_eq!(herself.reach(Permission::PreferencesGet, &scope), Some(Reach::Whole));
        assert_eq!(herself.reach(Permission::DashboardsGet, &scope), None);
        let admin = on_platform(&[Role::PlatformAdmin]);
        assert_eq!(admin.reach(Permission::PreferencesGet, &scope), None);
    }

    #[test]
    fn single_audit_events_are_those_of_the_projects_that_one_is_admin_of() {
        let reach = |rights: Rights| rights.reach(Permission::AuditEventsGet, &Scope::AllProjects);
        assert_eq!(reach(on_project(Role::Admin)), parts(&["p"], &[]));
        assert_eq!(reach(on_project(Role::Editor)), None);
        assert_eq!(reach(on_platform(&[Role::Auditor])), Some(Reach::Whole));
        // Those about the platform itself are in none.
        assert_eq!(reach(on_platform(&[Role::Admin])), Some(Reach::EachProject));
        assert_eq!(reach(on_platform(&[Role::Editor])), None);
    }

    #[test]
    fn an_admin_of_a_project_lists_its_audit_events_and_an_auditor_all() {
        let list = |rights: &Rights, scope: &Scope| rights.reach(Permission::AuditEventsList, scope).is_some();
        let (p, q) = (Scope::Project(project("p")), Scope::Project(project("q")));
        let admin = on_project(Role::Admin);
        assert_eq!(
            [&p, &q, &Scope::Platform].map(|scope| list(&admin, scope)),
            [true, false, false]
        );
        let auditor = on_platform(&[Role::Auditor]);
        assert_eq!([&p, &q, &Scope::Platform].map(|scope| list(&auditor, scope)), [true; 3]);
        assert!(!list(&on_project(Role::Editor), &p));
    }

    #[test]
    fn auditors_and_gateways_have_nothing_of_projects() {
        for role in [Role::Auditor, Role::Gateway] {
            let rights = on_platform(&[role]);
            let scope = Scope::Project(project("p"));
            assert_eq!(rights.reach(Permission::DashboardsList, &scope), None, "{role}");
            assert_eq!(
                rights.reach(Permission::AccessGrantsList, &Scope::Platform),
                None,
                "{role}"
            );
        }
    }
}
