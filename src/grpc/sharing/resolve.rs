//! The handler that uses share links.

use std::net::IpAddr;

use tonic::Request;
use tonic::metadata::MetadataMap;

use super::Sharing;
use crate::access::{Access, Caller, Permission, Scope};
use crate::domain::reason::Reason;
use crate::domain::share_link::ShareSecret;
use crate::domain::violation::{Violation, Violations};
use crate::error::{Error, Result};
use crate::grpc::call::open;
use crate::grpc::convert::share_link::present_shared;
use crate::grpc::convert::spec::SpecFormat;
use crate::grpc::proto;

/// Where a proxy says whom it was called by.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Who uses a link.
enum Client {
    /// Whoever the connection comes from.
    Peer,
    /// Somebody for whom a gateway speaks.
    Stated(IpAddr),
}

impl Sharing {
    pub(super) async fn resolve_link(
        &self,
        request: Request<proto::ResolveShareLinkRequest>,
    ) -> Result<proto::ResolveShareLinkResponse> {
        let metadata = request.metadata().clone();
        let (caller, message) = open(request)?;
        let access = self.access.require(&caller, Scope::Platform).await?;
        self.authorise_statement(&access, &message.client_ip).await?;
        let (client, format) = parse(&message)?;
        let address = match client {
            Client::Peer => self.client_of_connection(&caller, &metadata),
            Client::Stated(address) => Some(address),
        };
        let secret = ShareSecret::parse(message.token).ok_or(Error::ShareNotUsable)?;
        let shared = self.store.resolve_share_link(&access, &secret, address).await?;
        Ok(present_shared(shared, format))
    }

    /// Where the connection comes from, or the proxy that is trusted says.
    fn client_of_connection(&self, caller: &Caller, metadata: &MetadataMap) -> Option<IpAddr> {
        let forwarded_for = forwarded_for(metadata);
        self.rules
            .trusted_proxies
            .client(caller.origin().client_ip, forwarded_for)
    }

    /// Checks that the caller may say for whom it calls, if it does.
    async fn authorise_statement(&self, access: &Access, client_ip: &str) -> Result<()> {
        if client_ip.is_empty() {
            return Ok(());
        }
        let stating = Permission::ShareLinksStateClient;
        self.access.require_also(access, stating, Scope::Platform).await?;
        Ok(())
    }
}

/// The values of the header, in their order; one that is no text is one that says nothing.
fn forwarded_for(metadata: &MetadataMap) -> impl Iterator<Item = &str> {
    let values = metadata.get_all(FORWARDED_FOR).into_iter();
    values.map(|value| value.to_str().unwrap_or_default())
}

/// Parses all but the token, about which nothing is said.
fn parse(message: &proto::ResolveShareLinkRequest) -> Result<(Client, SpecFormat), Violations> {
    let mut wrong = Violations::default();
    let client = wrong.note(parse_client(&message.client_ip));
    let format = wrong.note(SpecFormat::parse(message.spec_format));
    client.zip(format).ok_or(wrong)
}

fn parse_client(client_ip: &str) -> Result<Client, Violation> {
    if client_ip.is_empty() {
        return Ok(Client::Peer);
    }
    match client_ip.parse::<IpAddr>() {
        Ok(address) => Ok(Client::Stated(address.to_canonical())),
        Err(_) => {
            let description = "is not an IP address such as 192.0.2.7 or 2001:db8::7";
            Err(Violation::new("client_ip", Reason::FieldInvalid, description))
        }
    }
}
