//! A client of a running service, for the commands that are one.
//!
//! What belongs here: the connection (encryption, token), the calls that commands make, and what went wrong with them in words.
//! What does not: files, and what is printed.

mod error;
mod export;
mod import;
mod template;

use std::time::Duration;

use secrecy::ExposeSecret as _;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};

use crate::config::ClientConfig;
use crate::grpc::proto::dashboard_service_client::DashboardServiceClient;
use crate::grpc::proto::template_service_client::TemplateServiceClient;

pub use self::error::ClientError;
pub use self::export::{ExportRequest, Exported};
pub use self::import::{ImportAnswer, ImportAnswers, ImportDocuments, ImportRequest, Outcome, Wrong};

/// How long opening the connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a silent connection is asked whether it is still there, and how long it may take to say so: a stream has no other
/// way to learn that its server is gone.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// A connection to a running service.
#[derive(Debug, Clone)]
pub struct Client {
    channel: InterceptedService<Channel, Authorization>,
}

/// What every request says of who calls.
#[derive(Debug, Clone)]
struct Authorization(Option<MetadataValue<Ascii>>);

impl Interceptor for Authorization {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(bearer) = &self.0 {
            request.metadata_mut().insert("authorization", bearer.clone());
        }
        Ok(request)
    }
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// [`ClientError::Certificates`] for certificates that can't be used, [`ClientError::Unreachable`] where no service is.
    pub async fn connect(config: &ClientConfig) -> Result<Self, ClientError> {
        let mut endpoint = Endpoint::from(config.address.clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE);
        if let Some(tls) = &config.tls {
            let mut settings = match &tls.authorities {
                Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
                None => ClientTlsConfig::new().with_native_roots(),
            };
            if let Some((certificate, key)) = &tls.identity {
                settings = settings.identity(Identity::from_pem(certificate, key.expose_secret()));
            }
            endpoint = endpoint.tls_config(settings).map_err(ClientError::certificates)?;
        }
        let bearer = config.token.as_ref().map(|token| {
            let mut bearer: MetadataValue<Ascii> = format!("Bearer {}", token.expose_secret()).parse()?;
            bearer.set_sensitive(true);
            Ok(bearer)
        });
        let bearer = bearer.transpose().map_err(ClientError::token)?;
        let channel = endpoint.connect().await;
        let channel = channel.map_err(|error| ClientError::unreachable(&config.address, &error))?;
        Ok(Self {
            channel: InterceptedService::new(channel, Authorization(bearer)),
        })
    }

    fn dashboards(&self) -> DashboardServiceClient<InterceptedService<Channel, Authorization>> {
        DashboardServiceClient::new(self.channel.clone())
    }

    fn templates(&self) -> TemplateServiceClient<InterceptedService<Channel, Authorization>> {
        TemplateServiceClient::new(self.channel.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_into_every_request_and_into_no_debug_output() {
        let mut bearer: MetadataValue<Ascii> = "Bearer sesame".parse().unwrap();
        bearer.set_sensitive(true);
        let mut authorization = Authorization(Some(bearer));
        let request = authorization.call(Request::new(())).unwrap();
        assert_eq!(request.metadata().get("authorization").unwrap(), "Bearer sesame");
        assert!(!format!("{authorization:?}{request:?}").contains("sesame"));

        let request = Authorization(None).call(Request::new(())).unwrap();
        assert!(request.metadata().is_empty());
    }
}
