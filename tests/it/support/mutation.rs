//! The mutations of a dashboard that exists, and what each of them has to hold: the same checks for all.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::TestServer;
use super::audit::{AuditEvent, events, stored};
use super::channel::Channel;
use super::requests::{as_user, assert_refused, create, json_spec, reason, spec_named, violations};

/// A mutation of a dashboard that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    Update,
    Apply,
    Delete,
    Undelete,
    Purge,
    Restore,
}

/// The fields that all of them have.
#[derive(Debug, Clone)]
pub struct Call {
    pub id: String,
    pub etag: String,
    pub request_id: String,
    pub validate_only: bool,
}

impl Call {
    /// A call on `projects/p/dashboards/{id}` in the version `etag`.
    pub fn on(id: &str, etag: &str) -> Self {
        Self {
            id: id.into(),
            etag: etag.into(),
            request_id: String::new(),
            validate_only: false,
        }
    }

    /// The same with a new request id.
    pub fn repeatable(self) -> Self {
        Self {
            request_id: Uuid::new_v4().to_string(),
            ..self
        }
    }
}

/// A server with one dashboard, as a mutation finds it.
pub struct Scene {
    pub server: TestServer,
    pub client: DashboardServiceClient<Channel>,
    /// The first version, which `user:developer` wrote; its etag is stale.
    pub first: proto::Dashboard,
    /// The head, which `user:alice` wrote.
    pub head: proto::Dashboard,
}

/// What the mutations of content write.
pub const NEW_NAME: &str = "changed by the call";

impl Mutation {
    /// Prepares a dashboard `gpu` with two revisions, soft-deleted where the mutation asks for that.
    pub async fn scene(self) -> Scene {
        let server = TestServer::start().await;
        let mut client = server.dashboards().await;
        let first = create(&mut client, "gpu").await;
        let changed = proto::UpdateDashboardRequest {
            dashboard: Some(proto::Dashboard {
                name: first.name.clone(),
                etag: first.etag.clone(),
                tags: vec!["second".into()],
                spec: json_spec(spec_named("second")),
                ..Default::default()
            }),
            ..Default::default()
        };
        let updated = client.update_dashboard(as_user("alice", changed)).await.unwrap();
        let mut head = updated.into_inner().dashboard.unwrap();
        if matches!(self, Self::Undelete | Self::Purge) {
            let request = proto::DeleteDashboardRequest {
                name: head.name,
                etag: head.etag,
                ..Default::default()
            };
            let deleted = client.delete_dashboard(as_user("alice", request)).await.unwrap();
            head = deleted.into_inner().dashboard.unwrap();
        }
        Scene {
            server,
            client,
            first,
            head,
        }
    }

    /// Calls it as `user:developer`; PurgeDashboard answers with no dashboard.
    pub async fn call(
        self,
        client: &mut DashboardServiceClient<Channel>,
        call: Call,
    ) -> Result<Option<proto::Dashboard>, Status> {
        self.call_as(client, "developer", call).await
    }

    /// Calls it as `user:{user}`.
    pub async fn call_as(
        self,
        client: &mut DashboardServiceClient<Channel>,
        user: &str,
        call: Call,
    ) -> Result<Option<proto::Dashboard>, Status> {
        let Call {
            id,
            etag,
            request_id,
            validate_only,
        } = call;
        let name = format!("projects/p/dashboards/{id}");
        match self {
            Self::Update => {
                let request = proto::UpdateDashboardRequest {
                    dashboard: Some(new_content(name, etag)),
                    request_id,
                    validate_only,
                    ..Default::default()
                };
                let answer = client.update_dashboard(as_user(user, request)).await?;
                Ok(answer.into_inner().dashboard)
            }
            Self::Apply => {
                let request = proto::ApplyDashboardRequest {
                    dashboard: Some(new_content(name, etag)),
                    request_id,
                    validate_only,
                    ..Default::default()
                };
                let answer = client.apply_dashboard(as_user(user, request)).await?;
                Ok(answer.into_inner().dashboard)
            }
            Self::Delete => {
                let request = proto::DeleteDashboardRequest {
                    name,
                    etag,
                    request_id,
                    validate_only,
                };
                let answer = client.delete_dashboard(as_user(user, request)).await?;
                Ok(answer.into_inner().dashboard)
            }
            Self::Undelete => {
                let request = proto::UndeleteDashboardRequest {
                    name,
                    etag,
                    request_id,
                    validate_only,
                };
                let answer = client.undelete_dashboard(as_user(user, request)).await?;
                Ok(answer.into_inner().dashboard)
            }
            Self::Purge => {
                let request = proto::PurgeDashboardRequest {
                    name,
                    etag,
                    request_id,
                    validate_only,
                };
                client.purge_dashboard(as_user(user, request)).await?;
                Ok(None)
            }
            Self::Restore => {
                let request = proto::RestoreDashboardRevisionRequest {
                    name: format!("{name}/revisions/1"),
                    etag,
                    request_id,
                    validate_only,
                    ..Default::default()
                };
                let answer = client.restore_dashboard_revision(as_user(user, request)).await?;
                Ok(answer.into_inner().dashboard)
            }
        }
    }

    /// With `validate_only` the answer shows what would be, conflicts are found, and nothing is stored, the request id
    /// included.
    pub async fn checks_and_stores_nothing_with_validate_only(self) {
        let Scene {
            server,
            mut client,
            first,
            head,
        } = self.scene().await;
        let before = stored(&server).await;
        let call = Call::on("gpu", &head.etag).repeatable();
        let validate_only = |etag: &str| Call {
            etag: etag.into(),
            validate_only: true,
            ..call.clone()
        };

        let shown = self.call(&mut client, validate_only(&head.etag)).await.unwrap();
        let conflict = self.call(&mut client, validate_only(&first.etag)).await.unwrap_err();

        assert_eq!(reason(&conflict), "ETAG_MISMATCH");
        assert_eq!(stored(&server).await, before);
        let done = self.call(&mut client, call).await.unwrap();
        assert_eq!(shown.map(timeless), done.map(timeless));
        assert_ne!(stored(&server).await, before);
    }

    /// A request id that was seen before brings the first answer again and no second change; with other content it is
    /// refused.
    pub async fn answers_the_same_to_a_replay(self) {
        let Scene {
            server,
            mut client,
            head,
            ..
        } = self.scene().await;
        let call = Call::on("gpu", &head.etag).repeatable();

        let first = self.call(&mut client, call.clone()).await.unwrap();
        let after_first = stored(&server).await;
        let second = self.call(&mut client, call.clone()).await.unwrap();

        if self != Self::Purge {
            assert!(first.as_ref().unwrap().spec.is_some());
        }
        assert_eq!(second, first);
        let other_content = Call {
            etag: "*".into(),
            ..call
        };
        let refused = self.call(&mut client, other_content).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::InvalidArgument, "REQUEST_ID_REUSED")
        );
        assert_eq!(stored(&server).await, after_first);
    }

    /// The etag of an earlier version is refused; the error tells who made the current one, and when.
    pub async fn refuses_a_stale_etag(self) {
        let Scene {
            server,
            mut client,
            first,
            head,
        } = self.scene().await;
        let before = stored(&server).await;

        let refused = self.call(&mut client, Call::on("gpu", &first.etag)).await.unwrap_err();

        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::Aborted, "ETAG_MISMATCH")
        );
        let metadata = refused.get_details_error_info().unwrap().metadata;
        assert_eq!(metadata["current_revision"], head.revision.to_string());
        assert_eq!(metadata["current_author"], "user:alice");
        let time: prost_types::Timestamp = metadata["current_time"].parse().unwrap();
        assert_eq!(Some(time), head.update_time);
        assert_eq!(refused.get_details_resource_info().unwrap().resource_name, head.name);
        assert_eq!(stored(&server).await, before);
    }

    /// A dashboard as the mutation `other` finds it is in no state for this one, whatever the etag: `expected` is the reason.
    pub async fn refuses_what_is_for(self, other: Self, expected: &str) {
        let Scene {
            server,
            mut client,
            head,
            ..
        } = other.scene().await;
        let before = stored(&server).await;
        for etag in [head.etag.as_str(), "*"] {
            let refused = self.call(&mut client, Call::on("gpu", etag)).await.unwrap_err();
            assert_refused(&refused, Code::FailedPrecondition, expected);
            let failure = refused.get_details_precondition_failure().unwrap().violations.remove(0);
            assert_eq!(
                (failure.r#type.as_str(), failure.subject),
                (expected, head.name.clone())
            );
        }
        assert_eq!(stored(&server).await, before);
    }

    /// No etag is refused, and so is one that this service never sends; the violation names the field.
    pub async fn requires_an_etag(self) {
        let Scene { server, mut client, .. } = self.scene().await;
        let before = stored(&server).await;
        let field = match self {
            Self::Update | Self::Apply => "dashboard.etag",
            Self::Delete | Self::Undelete | Self::Purge | Self::Restore => "etag",
        };

        for (etag, expected) in [("", "ETAG_REQUIRED"), ("\"1\"", "FIELD_INVALID")] {
            let refused = self.call(&mut client, Call::on("gpu", etag)).await.unwrap_err();
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::InvalidArgument, expected)
            );
            assert_eq!(violations(&refused), [(field.to_owned(), expected.to_owned())]);
        }
        assert_eq!(stored(&server).await, before);
    }

    /// A name that nothing has, or that differs in case from one that is there, is not found.
    pub async fn does_not_find(self, unknown_ids: &[&str]) {
        let Scene { server, mut client, .. } = self.scene().await;
        let before = stored(&server).await;
        for id in unknown_ids {
            let refused = self.call(&mut client, Call::on(id, "*")).await.unwrap_err();
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::NotFound, "DASHBOARD_NOT_FOUND")
            );
            let resource = refused.get_details_resource_info().unwrap();
            assert_eq!(resource.resource_type, "dashboards.perses.dev/Dashboard");
            assert_eq!(resource.resource_name, format!("projects/p/dashboards/{id}"));
        }
        assert_eq!(stored(&server).await, before);
    }

    /// The call writes one audit event, which says who did what to which version.
    pub async fn writes_one_audit_event(self, rpc: &str, permission: &str, changed_paths: &[&str]) {
        let Scene {
            server,
            mut client,
            head,
            ..
        } = self.scene().await;
        let before = events(&server).await.len();

        let done = self
            .call_as(&mut client, "bob", Call::on("gpu", &head.etag))
            .await
            .unwrap();

        let after = events(&server).await;
        assert_eq!(after.len(), before + 1);
        let expected = AuditEvent {
            actor: "user:bob".into(),
            method: format!("perses.dashboards.v1.DashboardService/{rpc}"),
            permission: permission.into(),
            resource: head.name,
            uid: head.uid,
            revision_before: Some(head.revision),
            revision_after: done.as_ref().map(|dashboard| dashboard.revision),
            sha256_before: Some(head.spec_sha256),
            sha256_after: done.map(|dashboard| dashboard.spec_sha256),
            changed_paths: changed_paths.iter().map(|path| (*path).to_owned()).collect(),
            result: "success".into(),
        };
        assert_eq!(after.last(), Some(&expected));
    }
}

/// What Update and Apply write: another document, other tags and labels than any scene has.
fn new_content(name: String, etag: String) -> proto::Dashboard {
    proto::Dashboard {
        name,
        etag,
        tags: vec!["changed".into()],
        labels: [("team".to_owned(), "a".to_owned())].into(),
        spec: json_spec(spec_named(NEW_NAME)),
        ..Default::default()
    }
}

/// The answer without what the clock decides.
fn timeless(dashboard: proto::Dashboard) -> proto::Dashboard {
    proto::Dashboard {
        update_time: None,
        delete_time: dashboard.delete_time.map(|_| prost_types::Timestamp::default()),
        purge_time: dashboard.purge_time.map(|_| prost_types::Timestamp::default()),
        ..dashboard
    }
}
