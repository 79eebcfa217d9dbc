//! `grpc.health.v1`: what the health handle knows, for balancers and probes.
//!
//! Own answers in place of the crate `tonic-health`: its reporter begins as SERVING, it ends a watch of an unknown service,
//! which the protocol forbids, and it has no List.

use std::collections::HashSet;
use std::pin::Pin;

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::HealthHandle;
use super::proto::health_check_response::ServingStatus;
use super::proto::health_server::{Health, HealthServer};
use super::proto::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use super::state::{Machine, Phase};

/// Answers for the server as a whole (`""`) and for each of its services, which stand and fall together.
#[derive(Debug)]
pub struct GrpcHealth {
    health: HealthHandle,
    services: HashSet<String>,
}

/// The health service for `services`, by their full names.
pub fn grpc_service(health: HealthHandle, services: &[String]) -> HealthServer<GrpcHealth> {
    let services = services.iter().cloned().chain([String::new()]).collect();
    HealthServer::new(GrpcHealth { health, services })
}

#[tonic::async_trait]
impl Health for GrpcHealth {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let service = &request.get_ref().service;
        if !self.services.contains(service) {
            return Err(Status::not_found("this server has no such service"));
        }
        Ok(Response::new(answer(serving_status(self.health.phase()))))
    }

    async fn list(&self, _request: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        let now = answer(serving_status(self.health.phase()));
        let statuses = self.services.iter().map(|service| (service.clone(), now)).collect();
        Ok(Response::new(HealthListResponse { statuses }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let is_known = self.services.contains(&request.get_ref().service);
        let statuses: Pin<Box<dyn Stream<Item = ServingStatus> + Send>> = if is_known {
            Box::pin(changes(self.health.subscribe()))
        } else {
            // Services don't appear later on, so the stream just stays open, as the protocol wants it.
            Box::pin(stream::iter([ServingStatus::ServiceUnknown]).chain(stream::pending()))
        };
        Ok(Response::new(Box::pin(statuses.map(|status| Ok(answer(status))))))
    }
}

/// The status now, and each time that it changes.
fn changes(receiver: watch::Receiver<Machine>) -> impl Stream<Item = ServingStatus> + Send {
    stream::unfold((receiver, None), |(mut receiver, told)| async move {
        loop {
            let status = serving_status(receiver.borrow_and_update().phase());
            if told != Some(status) {
                return Some((status, (receiver, Some(status))));
            }
            receiver.changed().await.ok()?;
        }
    })
}

fn serving_status(phase: Phase) -> ServingStatus {
    if phase.is_serving() {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    }
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}
