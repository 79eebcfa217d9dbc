//! Who is calling, from where, in which call.

use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

use super::course::CallCourse;
use crate::domain::role::Role;

/// The subject of the server itself in audit events; no user has such a name.
pub const SERVER: &str = "system:dashboard-store";

/// How a caller was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// Not at all: the development mode, on loopback alone.
    Development,
    /// By the certificate of the connection: the caller is its subject alternative name.
    ClientCertificate,
    /// By a peer with an allow-listed certificate, which states who the user is.
    IdentityHeaders,
    /// By a signed token (RFC 7519).
    Jwt,
    /// Not needed: the server does it by itself.
    Server,
}

impl AuthMethod {
    /// The text in audit events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::ClientCertificate => "client_certificate",
            Self::IdentityHeaders => "identity_headers",
            Self::Jwt => "jwt",
            Self::Server => "server",
        }
    }
}

/// Where a call came from, for logs and audit events.
#[derive(Debug, Clone)]
pub struct CallOrigin {
    /// The id of the call, in logs and in the `x-request-id` header of the answer.
    pub correlation_id: Uuid,
    /// The address of the peer; none on a Unix socket.
    pub client_ip: Option<IpAddr>,
    /// The `user-agent` header, cut to 200 characters.
    pub user_agent: String,
    /// The trace id of `traceparent` (W3C Trace Context), in lower-case hex.
    pub trace_id: Option<String>,
    /// The full name of the RPC: `perses.dashboards.v1.DashboardService/GetDashboard`.
    pub method: String,
    /// What became known of the call on its way; clones share it.
    pub course: Arc<CallCourse>,
}

/// Who authentication found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user's name, without `user:`.
    pub user: String,
    /// The groups that it is in, without `group:`.
    pub groups: Vec<String>,
    /// The roles on the platform that its claims give it.
    pub roles: Vec<Role>,
}

/// An authenticated caller, in one call.
#[derive(Debug, Clone)]
pub struct Caller {
    user: String,
    subject: String,
    groups: Vec<String>,
    roles: Vec<Role>,
    auth_method: AuthMethod,
    origin: Arc<CallOrigin>,
}

impl Caller {
    /// The caller that authentication found.
    pub fn new(identity: Identity, auth_method: AuthMethod, origin: Arc<CallOrigin>) -> Self {
        Self {
            subject: format!("user:{}", identity.user),
            user: identity.user,
            groups: identity.groups,
            roles: identity.roles,
            auth_method,
            origin,
        }
    }

    /// The name that authentication found: who `users/me` is.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The server itself, in what nobody has called for. `method` stands in place of the RPC, and `correlation_id` is that of
    /// all that belongs together.
    pub(super) fn server(method: &str, correlation_id: Uuid) -> Self {
        Self {
            user: String::new(),
            subject: SERVER.into(),
            groups: Vec::new(),
            roles: Vec::new(),
            auth_method: AuthMethod::Server,
            origin: Arc::new(CallOrigin {
                correlation_id,
                client_ip: None,
                user_agent: concat!("dashboard-store/", env!("CARGO_PKG_VERSION")).into(),
                trace_id: None,
                method: method.to_owned(),
                course: Arc::default(),
            }),
        }
    }

    /// `user:…`, or `system:…` for the server: who it is in grants, revisions and audit events.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The groups that authentication found.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// All that a grant to it can be for: `user:…`, and `group:…` of each of its groups.
    pub fn grantees(&self) -> Vec<String> {
        let groups = self.groups.iter().map(|group| format!("group:{group}"));
        std::iter::once(self.subject.clone()).chain(groups).collect()
    }

    /// The roles on the platform that authentication found in its claims.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// How it was authenticated.
    pub fn auth_method(&self) -> AuthMethod {
        self.auth_method
    }

    /// Where the call came from.
    pub fn origin(&self) -> &CallOrigin {
        &self.origin
    }
}
