//! How deep a document in a `google.protobuf.Struct` may be nested for clients to read it.

/// The most levels of arrays and objects in a `Struct` that is sent, the document itself being the first.
///
/// Clients read 100 messages inside each other and no more, unless they are told to: so do C++, Java, C#, Python and prost.
/// A level is three messages where it is an object (`Struct`, its entry, `Value`) and two where it is an array. Around the
/// document there are the two of a dashboard and its `DashboardSpec`, in the answer itself, which few clients count. That
/// makes 98 or 99 for 32 levels, and three more for another one.
pub const MAX_LEVELS: usize = 32;

#[cfg(test)]
mod tests;
