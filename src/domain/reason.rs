//! Why a call was refused, as a closed list of names.

/// Declares [`Reason`] with the text that travels in `ErrorInfo.reason`.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// Why a call was refused: `google.rpc.ErrorInfo.reason`, and the `ErrorReason` enum of the proto without its prefix.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Reason {
            /// Every reason, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The `ErrorInfo.domain` that all reasons belong to.
            pub const DOMAIN: &str = "dashboards.perses.dev";

            /// The text that travels in `ErrorInfo.reason`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

reasons! {
    /// A field that must be set is empty.
    FieldRequired = "FIELD_REQUIRED",
    /// A field does not have the syntax that it must have.
    FieldInvalid = "FIELD_INVALID",
    /// A field is longer, or has more elements, than is allowed.
    FieldTooLong = "FIELD_TOO_LONG",
    /// A number lies outside its range.
    FieldOutOfRange = "FIELD_OUT_OF_RANGE",
    /// An enum has a value that this server does not know.
    EnumUnknown = "ENUM_UNKNOWN",
    /// A resource name, a parent or an id is malformed.
    InvalidName = "INVALID_NAME",
    /// The document is not JSON text of an object.
    SpecMalformed = "SPEC_MALFORMED",
    /// The document is larger, deeper or has more nodes or digits than is allowed.
    SpecLimitExceeded = "SPEC_LIMIT_EXCEEDED",
    /// An object of the document has the same key twice.
    SpecDuplicateKey = "SPEC_DUPLICATE_KEY",
    /// The document breaks a rule of Perses.
    SpecInvalid = "SPEC_INVALID",
    /// The filter is malformed, or uses a field or an operator that is not allowed.
    InvalidFilter = "INVALID_FILTER",
    /// `order_by` names an unknown field or direction.
    InvalidOrderBy = "INVALID_ORDER_BY",
    /// The page token is malformed, or belongs to another query.
    InvalidPageToken = "INVALID_PAGE_TOKEN",
    /// The update mask names an unknown or a forbidden path.
    InvalidUpdateMask = "INVALID_UPDATE_MASK",
    /// A mutation of something that exists came without an etag.
    EtagRequired = "ETAG_REQUIRED",
    /// The documents of a batch are too large for one answer.
    BatchTooLarge = "BATCH_TOO_LARGE",
    /// The request id was used before with other content.
    RequestIdReused = "REQUEST_ID_REUSED",
    /// The etag is not the current one: somebody else changed the resource.
    EtagMismatch = "ETAG_MISMATCH",
    /// Concurrent transactions stood in each other's way, also after retries.
    SerializationFailure = "SERIALIZATION_FAILURE",
    /// No such dashboard.
    DashboardNotFound = "DASHBOARD_NOT_FOUND",
    /// The dashboard never had such a revision.
    RevisionNotFound = "REVISION_NOT_FOUND",
    /// The revision existed and was pruned.
    RevisionPruned = "REVISION_PRUNED",
    /// No such audit event.
    AuditEventNotFound = "AUDIT_EVENT_NOT_FOUND",
    /// The audit log is not sealed, so that there is nothing to verify.
    AuditLogNotSealed = "AUDIT_LOG_NOT_SEALED",
    /// The health or the reflection service was asked for something that this server does not serve.
    ServiceNotFound = "SERVICE_NOT_FOUND",
    /// A live dashboard has this name.
    DashboardExists = "DASHBOARD_EXISTS",
    /// A soft-deleted dashboard has this name: undelete or purge it first.
    DashboardSoftDeleted = "DASHBOARD_SOFT_DELETED",
    /// A dashboard of the project has a name that differs in case alone.
    DashboardExistsInOtherCase = "DASHBOARD_EXISTS_IN_OTHER_CASE",
    /// The dashboard is soft-deleted, and the call needs a live one.
    DashboardDeleted = "DASHBOARD_DELETED",
    /// The dashboard is not deleted, and the call needs a deleted one.
    DashboardNotDeleted = "DASHBOARD_NOT_DELETED",
    /// The user has as many favourites as can be: remove one first.
    TooManyFavorites = "TOO_MANY_FAVORITES",
    /// No such template.
    TemplateNotFound = "TEMPLATE_NOT_FOUND",
    /// A template has this name.
    TemplateExists = "TEMPLATE_EXISTS",
    /// The template comes with the service: it can be read and used, not changed.
    TemplateReadOnly = "TEMPLATE_READ_ONLY",
    /// The subject has this role there.
    AccessGrantExists = "ACCESS_GRANT_EXISTS",
    /// Without this grant nobody could grant anything on the platform any more.
    LastPlatformAdmin = "LAST_PLATFORM_ADMIN",
    /// A value does not fit the parameter of the template.
    ParameterInvalid = "PARAMETER_INVALID",
    /// The template declares no parameter of this name.
    ParameterUnknown = "PARAMETER_UNKNOWN",
    /// A slot of the template is malformed, names no parameter, or does not take its value.
    SlotInvalid = "SLOT_INVALID",
    /// An import holds more items, or more text, than is allowed.
    ImportTooLarge = "IMPORT_TOO_LARGE",
    /// An item of an atomic import was refused, so nothing was stored.
    ImportRefused = "IMPORT_REFUSED",
    /// Neither side of a stream moved for as long as it may stand still.
    StreamIdle = "STREAM_IDLE",
    /// An export took longer than its snapshot is held.
    ExportTooLong = "EXPORT_TOO_LONG",
    /// No such share link.
    ShareLinkNotFound = "SHARE_LINK_NOT_FOUND",
    /// The link was created by an earlier call with this request id, whose answer had the secret; it is not kept.
    ShareTokenAlreadyIssued = "SHARE_TOKEN_ALREADY_ISSUED",
    /// The share link was revoked, and can't be changed any more.
    ShareLinkRevoked = "SHARE_LINK_REVOKED",
    /// A share link may only be tightened; create another one that allows more.
    ShareLinkWidened = "SHARE_LINK_WIDENED",
    /// The share link can't be used: it does not exist, or not any more, or not so.
    ShareNotUsable = "SHARE_NOT_USABLE",
    /// Credentials are missing or not valid.
    Unauthenticated = "UNAUTHENTICATED",
    /// The caller may not do this, or it might not exist.
    PermissionDenied = "PERMISSION_DENIED",
    /// The server has as many requests in flight as it takes.
    Overloaded = "OVERLOADED",
    /// The message is larger than is allowed.
    MessageTooLarge = "MESSAGE_TOO_LARGE",
    /// The deadline passed before the answer was ready.
    DeadlineExceeded = "DEADLINE_EXCEEDED",
    /// The caller went away.
    Cancelled = "CANCELLED",
    /// The database can't be reached; nothing was done.
    DatabaseUnavailable = "DATABASE_UNAVAILABLE",
    /// No connection to the database became free in time; nothing was done.
    PoolTimeout = "POOL_TIMEOUT",
    /// The database takes no writes now; nothing was done.
    DatabaseReadOnly = "DATABASE_READ_ONLY",
    /// The keys of a token's issuer can't be had, so it can't be verified; nothing was done.
    SigningKeysUnavailable = "SIGNING_KEYS_UNAVAILABLE",
    /// The schema of the database is not the one that this server needs; nothing was done.
    SchemaNotReady = "SCHEMA_NOT_READY",
    /// The server is shutting down; nothing was done.
    Draining = "DRAINING",
    /// The connection was lost during COMMIT and the outcome could not be read back.
    CommitOutcomeUnknown = "COMMIT_OUTCOME_UNKNOWN",
    /// This method does not exist.
    Unimplemented = "UNIMPLEMENTED",
    /// A bug of ours.
    Internal = "INTERNAL",
}
