//! From where a link can be used, and who is believed about that.

use dashboard_store::domain::client_address::TrustedProxies;
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::Role;
use tonic::{Code, Request, Status};

use crate::support::access::grant;
use crate::support::requests::{as_user, assert_refused};
use crate::support::sharing::{
    Client, assert_not_usable, from_networks, resolve, resolve_request, share, start, start_with,
};

/// Uses a link through a proxy that sends these headers.
async fn through_proxy(
    client: &mut Client,
    token: &str,
    forwarded_for: &[&'static str],
) -> Result<proto::ResolveShareLinkResponse, Status> {
    let mut request = Request::new(resolve_request(token));
    for value in forwarded_for {
        request.metadata_mut().append("x-forwarded-for", value.parse().unwrap());
    }
    Ok(client.resolve_share_link(request).await?.into_inner())
}

/// Uses a link as `user` for somebody else.
async fn stating(
    client: &mut Client,
    user: &str,
    token: &str,
    client_ip: &str,
) -> Result<proto::ResolveShareLinkResponse, Status> {
    let request = proto::ResolveShareLinkRequest {
        client_ip: client_ip.into(),
        ..resolve_request(token)
    };
    Ok(client.resolve_share_link(as_user(user, request)).await?.into_inner())
}

#[tokio::test]
async fn the_connection_says_where_a_client_is() {
    let (_server, mut client) = start().await;
    for networks in [
        &["127.0.0.0/8"][..],
        &["192.0.2.0/24", "127.0.0.1/32"],
        &["::ffff:127.0.0.0/104"],
    ] {
        let (_, token) = share(&mut client, from_networks(networks)).await;
        resolve(&mut client, &token).await.unwrap();
    }
    for networks in [&["192.0.2.0/24"][..], &["::1/128"], &["127.0.0.2/32"]] {
        let (_, token) = share(&mut client, from_networks(networks)).await;
        assert_not_usable(resolve(&mut client, &token).await);
    }
}

#[tokio::test]
async fn a_header_through_a_peer_that_is_not_trusted_is_not_believed() {
    let (_server, mut client) = start().await;
    let (_, elsewhere) = share(&mut client, from_networks(&["192.0.2.0/24"])).await;
    assert_not_usable(through_proxy(&mut client, &elsewhere, &["192.0.2.7"]).await);
    let (_, here) = share(&mut client, from_networks(&["127.0.0.0/8"])).await;
    through_proxy(&mut client, &here, &["192.0.2.7"]).await.unwrap();
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_and_what_stands_before_its_own_entry_is_not() {
    let (_server, mut client) = start_with(|config| {
        config.access.trusted_proxies = TrustedProxies::parse("127.0.0.0/8,10.0.0.0/8").unwrap();
    })
    .await;
    let (_, token) = share(&mut client, from_networks(&["192.0.2.0/24"])).await;
    for forwarded_for in [
        &["192.0.2.7"][..],
        &["6.6.6.6, 192.0.2.7"],
        &["6.6.6.6", "::ffff:192.0.2.7, 10.1.1.1"],
    ] {
        through_proxy(&mut client, &token, forwarded_for).await.unwrap();
    }
    for forwarded_for in [
        // Forged by the client, whose own address the proxy has added.
        &["192.0.2.7, 6.6.6.6"][..],
        &["192.0.2.7", "6.6.6.6"],
        &["192.0.2.7, unknown"],
        // Nobody says where the client is.
        &[],
        &["10.1.1.1"],
    ] {
        assert_not_usable(through_proxy(&mut client, &token, forwarded_for).await);
    }
    // The proxy is no client, also where its address would be allowed.
    let (_, of_the_proxy) = share(&mut client, from_networks(&["127.0.0.0/8"])).await;
    assert_not_usable(resolve(&mut client, &of_the_proxy).await);
    // Without networks it does not matter.
    let (_, anywhere) = share(&mut client, from_networks(&[])).await;
    resolve(&mut client, &anywhere).await.unwrap();
}

#[tokio::test]
async fn a_gateway_states_for_whom_it_calls_and_nobody_else_does() {
    let (server, mut client) = start().await;
    grant(&server, "platform", "user:gate", Role::Gateway).await;
    grant(&server, "projects/p", "user:root", Role::Admin).await;
    let (_, token) = share(&mut client, from_networks(&["192.0.2.0/24"])).await;
    for client_ip in ["192.0.2.7", "::ffff:192.0.2.7"] {
        stating(&mut client, "gate", &token, client_ip).await.unwrap();
    }
    assert_not_usable(stating(&mut client, "gate", &token, "198.51.100.7").await);
    assert_not_usable(stating(&mut client, "gate", &token, "2001:db8::1").await);
    for user in ["root", "stranger"] {
        let denied = stating(&mut client, user, &token, "192.0.2.7").await.unwrap_err();
        assert_refused(&denied, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}

/// What no proxy writes, or more of it than anybody reads: closed, and no trouble.
#[tokio::test]
async fn headers_that_nobody_can_read_say_nothing() {
    let (_server, mut client) = start_with(|config| {
        config.access.trusted_proxies = TrustedProxies::parse("127.0.0.0/8,10.0.0.0/8").unwrap();
    })
    .await;
    let (_, token) = share(&mut client, from_networks(&["192.0.2.0/24"])).await;
    for forwarded_for in [
        &[""][..],
        &[","],
        &["192.0.2.7,"],
        &["192.0.2.7", ""],
        &["192.0.2.7, ,10.1.1.1"],
        &["192.0.2.7;10.1.1.1"],
        &["192.0.2.7 10.1.1.1"],
        &["192.0.2.7/32"],
        &["192.0.2"],
        &["192.0.2.007"],
        &["0xc0000207"],
        &["3221225991"],
        &["[192.0.2.7]"],
        &["192.0.2.7:99999"],
        &["for=192.0.2.7"],
        &["localhost"],
        &["::ffff:192.0.2.7%eth0"],
        &["::192.0.2.7"],
        &["64:ff9b::192.0.2.7"],
    ] {
        assert_not_usable(through_proxy(&mut client, &token, forwarded_for).await);
    }
    for forwarded_for in [
        &[" 192.0.2.7 "][..],
        &["192.0.2.7:443"],
        &["[::ffff:192.0.2.7]:443"],
        &["::FFFF:C000:0207"],
        &[",,unknown, 192.0.2.7"],
    ] {
        through_proxy(&mut client, &token, forwarded_for).await.unwrap();
    }
    let bytes = tonic::metadata::MetadataValue::try_from(&b"192.0.2.7\xff"[..]).unwrap();
    let mut request = Request::new(resolve_request(&token));
    request
        .metadata_mut()
        .append("x-forwarded-for", "192.0.2.7".parse().unwrap());
    request.metadata_mut().append("x-forwarded-for", bytes);
    assert_not_usable(client.resolve_share_link(request).await);
    // The last entries count, however many there are before them.
    let many = "10.1.1.1,".repeat(1000);
    let (before, behind): (&'static str, &'static str) = (
        format!("192.0.2.7,{many}10.1.1.1").leak(),
        format!("{many}192.0.2.7").leak(),
    );
    through_proxy(&mut client, &token, &[before]).await.unwrap();
    through_proxy(&mut client, &token, &[behind]).await.unwrap();
    let too_many: &'static str = "6.6.6.6,".repeat(10_000).leak();
    assert!(
        through_proxy(&mut client, &token, &[too_many, "192.0.2.7"])
            .await
            .is_err()
    );
    through_proxy(&mut client, &token, &["192.0.2.7"]).await.unwrap();
}
