//! Grants: who has which role on what; and what is asked for about them.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::digest::{Digest, Fingerprint};
use super::etag::Etag;
use super::mutation::WriteOptions;
use super::name::{AccessGrantName, GrantParent};
use super::page::{Cursor, PageBinding, PageOrder, PageSize, PagedQuery};
use super::reason::Reason;
use super::role::Role;
use super::subject::Subject;
use super::violation::Violation;

/// A role of a user or a group on something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessGrant {
    /// Its name, which begins with what it is on.
    pub name: AccessGrantName,
    /// The life of the dashboard that it is on; none on a project or the platform.
    pub resource_uid: Option<Uuid>,
    /// Who has the role.
    pub subject: Subject,
    /// The role.
    pub role: Role,
    /// Who granted it, as `user:…`.
    pub created_by: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub create_time: OffsetDateTime,
}

impl AccessGrant {
    /// The etag: grants never change.
    pub fn etag(&self) -> Etag {
        Etag::new(self.name.uid, 1)
    }
}

/// Asks for a grant.
#[derive(Debug, Clone)]
pub struct GrantAccess {
    /// What it shall be on.
    pub parent: GrantParent,
    /// Who shall have the role.
    pub subject: Subject,
    /// The role; it can be had there.
    pub role: Role,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl GrantAccess {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        Fingerprint::new()
            .part(self.parent.to_string())
            .part(self.subject.as_str())
            .part(self.role.as_str())
            .finish()
    }
}

/// Checks that `role` can be had on `parent`.
///
/// # Errors
/// `FIELD_INVALID` on `field`, with the roles that can.
pub fn check_role(field: &str, role: Role, parent: &GrantParent) -> Result<Role, Violation> {
    let (possible, place): (&[Role], _) = match parent {
        GrantParent::Platform => return Ok(role),
        GrantParent::Project(_) => (&[Role::Viewer, Role::Editor, Role::Admin], "a project"),
        GrantParent::Dashboard(_) => (&[Role::Viewer, Role::Editor], "a dashboard"),
    };
    if possible.contains(&role) {
        return Ok(role);
    }
    let names: Vec<&str> = possible.iter().map(|role| role.as_str()).collect();
    let description = format!("{role} can't be had on {place}: {} can", names.join(", "));
    Err(Violation::new(field, Reason::FieldInvalid, description))
}

/// Asks for a grant to go.
#[derive(Debug, Clone)]
pub struct RevokeAccess {
    /// Which.
    pub name: AccessGrantName,
    /// Whether it may be the last one that makes somebody a platform admin: others are by configuration.
    pub may_be_last_admin: bool,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl RevokeAccess {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        Fingerprint::new().part(self.name.to_string()).finish()
    }
}

/// A list of the grants on one resource, by subject and role.
#[derive(Debug, Clone)]
pub struct ListAccessGrants {
    /// The resource.
    pub parent: GrantParent,
    /// The most items.
    pub page_size: PageSize,
    /// Where the page begins; none for the first.
    pub after: Option<Cursor>,
}

impl ListAccessGrants {
    /// The cursor that stands on `grant`.
    pub fn cursor_on(grant: &AccessGrant) -> Cursor {
        Cursor::Grant {
            subject: grant.subject.clone(),
            role: grant.role,
        }
    }

    /// What the tokens of its pages belong to.
    pub fn binding(&self) -> PageBinding {
        PageBinding::new(&PagedQuery {
            method: "ListAccessGrants",
            parent: &self.parent.to_string(),
            filter: "",
            order: PageOrder::GrantsBySubject,
            show_deleted: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_can_be_had_where_they_mean_something() {
        let places = ["platform", "projects/p", "projects/p/dashboards/d"];
        let possible = places.map(|place| {
            let parent = GrantParent::parse("parent", place).unwrap();
            let fits = |role: &Role| check_role("role", *role, &parent).is_ok();
            Role::ALL.into_iter().filter(fits).count()
        });
        assert_eq!(possible, [6, 3, 2]);
        let parent = GrantParent::parse("parent", "projects/p/dashboards/d").unwrap();
        let refused = check_role("role", Role::Admin, &parent).unwrap_err();
        assert_eq!(
            refused.description,
            "admin can't be had on a dashboard: viewer, editor can"
        );
    }

    /// Answers outlive the release that kept them: a field may be added with a default, none renamed or removed.
    #[test]
    fn answers_of_this_release_are_read_back() {
        let kept = r#"{"name":"platform/accessGrants/018f6b1e-0000-7000-8000-000000000001","resource_uid":null,
            "subject":"group:sre","role":"platform-admin","created_by":"user:ada","create_time":"2026-01-01T00:00:00Z"}"#;
        let grant: AccessGrant = serde_json::from_str(kept).unwrap();
        let written = serde_json::to_value(&grant).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(kept).unwrap());
    }

    #[test]
    fn a_list_goes_on_behind_its_last_item() {
        let list = ListAccessGrants {
            parent: GrantParent::Platform,
            page_size: PageSize::of(1),
            after: None,
        };
        let last = Cursor::Grant {
            subject: Subject::parse("subject", "group:a \"b\"").unwrap(),
            role: Role::PlatformAdmin,
        };
        let token = list.binding().next_token(Some(&last));
        assert_eq!(list.binding().parse_token("page_token", &token).unwrap(), Some(last));
        let other = ListAccessGrants {
            parent: GrantParent::parse("parent", "projects/p").unwrap(),
            ..list
        };
        assert!(other.binding().parse_token("page_token", &token).is_err());
    }
}
