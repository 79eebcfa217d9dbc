//! The gRPC services of this server, and what reflection says of them.

use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error as ReflectionError};

use super::proto::FILE_DESCRIPTOR_SET;
use super::proto::audit_service_server::AuditServiceServer;
use super::proto::dashboard_service_server::DashboardServiceServer;
use super::proto::preferences_service_server::PreferencesServiceServer;
use super::proto::share_service_server::ShareServiceServer;
use super::proto::template_service_server::TemplateServiceServer;
use super::{AuditLog, Dashboards, Preferences, Sharing, Templates};
use crate::health::{self, HealthHandle};

/// The largest message in either direction, in bytes; every service of ours is built with it.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// The encoded `google.protobuf.FileDescriptorSet`s of all services.
pub const DESCRIPTOR_SETS: &[&[u8]] = &[
    FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    // Not a service: with it grpcurl shows the details of errors.
    tonic_types::pb::FILE_DESCRIPTOR_SET,
];

/// The handlers of our services.
#[derive(Debug, Clone)]
pub struct Handlers {
    /// Of DashboardService.
    pub dashboards: Dashboards,
    /// Of TemplateService.
    pub templates: Templates,
    /// Of PreferencesService.
    pub preferences: Preferences,
    /// Of ShareService.
    pub sharing: Sharing,
    /// Of AuditService.
    pub audit_log: AuditLog,
}

/// Puts the services together, with health and reflection; `names` are the full names of all of them.
///
/// # Errors
/// The descriptors in this binary are broken.
pub fn routes(handlers: Handlers, health: HealthHandle, names: &[String]) -> Result<Routes, ReflectionError> {
    let dashboard_service = DashboardServiceServer::new(handlers.dashboards)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let preferences_service = PreferencesServiceServer::new(handlers.preferences)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let template_service = TemplateServiceServer::new(handlers.templates)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let share_service = ShareServiceServer::new(handlers.sharing)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let audit_service = AuditServiceServer::new(handlers.audit_log)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let routes = Routes::new(dashboard_service)
        .add_service(template_service)
        .add_service(preferences_service)
        .add_service(share_service)
        .add_service(audit_service)
        .add_service(health::grpc_service(health, names))
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);
    Ok(routes)
}

fn reflection() -> Builder<'static> {
    DESCRIPTOR_SETS.iter().fold(Builder::configure(), |builder, set| {
        builder.register_encoded_file_descriptor_set(set)
    })
}
