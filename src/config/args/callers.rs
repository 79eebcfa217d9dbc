//! The options that say how callers prove who they are.

use clap::Args;

/// The certificates of the gRPC listener.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// The certificate that gRPC is served with and those between it and its authority, as PEM. Read again when it
    /// changes, as all files of this section
    #[arg(long, env, value_name = "FILE")]
    pub tls_cert_file: Option<String>,
    /// The key of the certificate, as PEM
    #[arg(long, env, value_name = "FILE")]
    pub tls_key_file: Option<String>,
    /// The authorities that client certificates must come from, as PEM. Every certificate of theirs is a credential
    #[arg(long, env, value_name = "FILE")]
    pub tls_client_ca_file: Option<String>,
    /// Whether clients show a certificate: none, optional or required. [default: optional with TLS_CLIENT_CA_FILE, else
    /// none]
    #[arg(long, env, value_name = "MODE")]
    pub tls_client_auth: Option<String>,
    /// Take calls without TLS also from other machines, because something in front, such as a service mesh, encrypts them.
    /// [default: false]
    #[arg(long, env, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub grpc_plaintext: Option<String>,
}

/// How callers prove who they are, beside their certificates.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Authentication")]
pub struct AuthenticationArgs {
    /// The issuers whose tokens are taken (JWT), as YAML or JSON: docs/security.md shows its form
    #[arg(long, env, value_name = "FILE")]
    pub auth_config_file: Option<String>,
    /// The names in the certificates of the proxies that may state a user by x-remote-user and x-remote-group; several as
    /// a,b,c
    #[arg(long, env, value_name = "NAMES")]
    pub identity_header_peers: Option<String>,
    /// Answer reflection to everybody, and not to authenticated callers alone. [default: false]
    #[arg(long, env, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub open_reflection: Option<String>,
    /// Serve without authentication: every caller may do everything, so only loopback addresses are allowed. [default:
    /// false; true with the embedded PostgreSQL, unless another option says who may call]
    #[arg(long, env, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub insecure_dev: Option<String>,
}
