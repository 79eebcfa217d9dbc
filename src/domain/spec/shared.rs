//! The document as a share link shows it: without what the datasources of a dashboard keep to themselves.
//!
//! Everything is refused that is not known to be harmless: of a datasource stay its `kind`, its `display`, `default`, the
//! plugin's `kind`, and where the data comes from (`directUrl`; `url` and `allowedEndpoints` of the proxy), without
//! credentials. Panels and variables name datasources and hold none.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use super::json::{self, Json, Member, Written};
use super::pointer::Pointer;
use crate::domain::digest::Digest;
use crate::domain::violation::Violation;

/// The most paths that are named; where more went, the last one is that of all datasources.
pub const MAX_REDACTED_PATHS: usize = 1000;

/// The field of a document that its datasources stand in.
const DATASOURCES: &str = "datasources";

/// The pointer to it.
const DATASOURCES_PATH: &str = "/datasources";

/// The one kind of proxy that Perses has: with any other text it might be a secret.
const PROXY_KIND: &str = "HTTPProxy";

/// A document that can be shown to strangers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedSpec {
    /// The text: as it was written where nothing went, else written anew.
    pub text: String,
    /// SHA-256 of this text.
    pub sha256: Digest,
    /// Where something went, wholly or in part: JSON pointers (RFC 6901) in the order of the document.
    pub redacted_paths: Vec<String>,
}

impl SharedSpec {
    /// Takes out of a document what may not be shown.
    ///
    /// # Errors
    /// What [`json::parse`] refuses: no document that was stored.
    pub fn redact(text: String) -> Result<Self, Vec<Violation>> {
        let mut redaction = Redaction::default();
        let document = json::parse(&text)?;
        let shown = redaction.document(document);
        let written = match redaction.paths.is_empty() {
            true => None,
            false => Some(serde_json::to_string(&Written(&shown)).map_err(unwritable)?),
        };
        let text = written.unwrap_or(text);
        Ok(Self {
            sha256: Digest::of(text.as_bytes()),
            text,
            redacted_paths: redaction.paths,
        })
    }
}

/// A tree that was read can be written.
fn unwritable(error: serde_json::Error) -> Vec<Violation> {
    use crate::domain::reason::Reason;
    vec![Violation::new("", Reason::SpecMalformed, error.to_string())]
}

/// What went so far.
#[derive(Debug, Default)]
struct Redaction {
    paths: Vec<String>,
}

impl Redaction {
    fn document<'t>(&mut self, document: Json<'t>) -> Json<'t> {
        self.object(document, &Pointer::Root, |this, key, value, pointer| {
            if key == DATASOURCES {
                return Some(this.datasources(value, pointer));
            }
            // Perses reads such a key, too: Go does not look at capitals.
            match is_folded(key, DATASOURCES) {
                true => None,
                false => Some(value),
            }
        })
    }

    fn datasources<'t>(&mut self, datasources: Json<'t>, pointer: &Pointer<'_>) -> Json<'t> {
        self.object(datasources, pointer, |this, _, value, below| {
            Some(this.datasource(value, below))
        })
    }

    fn datasource<'t>(&mut self, datasource: Json<'t>, pointer: &Pointer<'_>) -> Json<'t> {
        self.object(datasource, pointer, |this, key, value, below| match key {
            "kind" => text(value),
            "default" => flag(value),
            "display" => Some(this.texts(value, below, &["name", "description"])),
            "plugin" => Some(this.plugin(value, below)),
            _ => None,
        })
    }

    fn plugin<'t>(&mut self, plugin: Json<'t>, pointer: &Pointer<'_>) -> Json<'t> {
        self.object(plugin, pointer, |this, key, value, below| match key {
            "kind" => text(value),
            "spec" => Some(this.plugin_spec(value, below)),
            _ => None,
        })
    }

    fn plugin_spec<'t>(&mut self, spec: Json<'t>, pointer: &Pointer<'_>) -> Json<'t> {
        self.object(spec, pointer, |this, key, value, below| match key {
            "directUrl" => this.url(value, below),
            "proxy" => Some(this.proxy(value, below)),
            _ => None,
        })
    }

    fn proxy<'t>(&mut self, proxy: Json<'t>, pointer: &Pointer<'_>) -> Json<'t> {
        self.object(proxy, pointer, |this, key, value, below| match key {
            "kind" => Some(value).filter(|kind| kind.as_str() == Some(PROXY_KIND)),
            "spec" => Some(this.proxy_spec(value, below)),
            _ => None,
        })
    }

    fn proxy_spec<'t>(&mut self, spec: Json<'t>, pointer: &Pointer<'_>) -> Json<'t> {
        self.object(spec, pointer, |this, key, value, below| match key {
            "url" => this.url(value, below),
            "allowedEndpoints" => Some(this.endpoints(value, below)),
            _ => None,
        })
    }

    fn endpoints<'t>(&mut self, endpoints: Json<'t>, pointer: &Pointer<'_>) -> Json<'t> {
        let Json::Array(elements) = endpoints else {
            return self.emptied(endpoints, pointer);
        };
        let shown = elements.into_iter().enumerate().map(|(index, element)| {
            let below = pointer.index(index);
            self.texts(element, &below, &["endpointPattern", "method"])
        });
        Json::Array(shown.collect())
    }

    /// Leaves of an object the text in `keys`.
    fn texts<'t>(&mut self, object: Json<'t>, pointer: &Pointer<'_>, keys: &[&str]) -> Json<'t> {
        self.object(object, pointer, |_, key, value, _| match keys.contains(&key) {
            true => text(value),
            false => None,
        })
    }

    /// Leaves a URL without user info, query and fragment.
    fn url<'t>(&mut self, value: Json<'t>, pointer: &Pointer<'_>) -> Option<Json<'t>> {
        let shown = match value.as_str() {
            Some(written) => public_part(written)?,
            None => return Some(value).filter(|value| *value == Json::Null),
        };
        if Some(shown.as_str()) == value.as_str() {
            return Some(value);
        }
        self.note(pointer);
        Some(Json::String(Cow::Owned(shown)))
    }

    /// Leaves of an object the members for which `show` gives something, and notes the others.
    fn object<'t>(
        &mut self,
        value: Json<'t>,
        pointer: &Pointer<'_>,
        show: impl Fn(&mut Self, &str, Json<'t>, &Pointer<'_>) -> Option<Json<'t>>,
    ) -> Json<'t> {
        let Json::Object(members) = value else {
            return self.emptied(value, pointer);
        };
        let mut shown: Vec<Member<'t>> = Vec::with_capacity(members.len());
        for (key, member) in members {
            let below = pointer.key(&key);
            match show(self, &key, member, &below) {
                Some(visible) => shown.push((key, visible)),
                None => self.note(&below),
            }
        }
        Json::Object(shown)
    }

    /// What stands where an object or an array is expected says nothing, or it goes.
    fn emptied<'t>(&mut self, value: Json<'t>, pointer: &Pointer<'_>) -> Json<'t> {
        if value != Json::Null {
            self.note(pointer);
        }
        Json::Null
    }

    fn note(&mut self, pointer: &Pointer<'_>) {
        if self.paths.len() < MAX_REDACTED_PATHS {
            self.paths.push(pointer.to_field());
        } else if let Some(last) = self.paths.last_mut() {
            DATASOURCES_PATH.clone_into(last);
        }
    }
}

fn text(value: Json<'_>) -> Option<Json<'_>> {
    Some(value).filter(|value| matches!(value, Json::String(_) | Json::Null))
}

fn flag(value: Json<'_>) -> Option<Json<'_>> {
    Some(value).filter(|value| matches!(value, Json::Bool(_) | Json::Null))
}

/// Whether Go takes `key` for the field `field`: without regard to case, in all of Unicode.
fn is_folded(key: &str, field: &str) -> bool {
    let of_field = field.chars().flat_map(char::to_uppercase);
    key.chars().flat_map(char::to_uppercase).eq(of_field)
}

/// The part of a URL that holds no credentials: scheme, host, port and path, or a path alone. None for text that a browser, or
/// whoever wrote it, might read in another way than it is read here, so that it is not clear where its credentials are: a password
/// with a `/`, `?` or `#` that nobody has escaped ends the authority too early, and its `@` comes behind it.
fn public_part(url: &str) -> Option<String> {
    let is_plain = |character: char| character.is_ascii_graphic() && !r#"\"<>^`{|}"#.contains(character);
    let before_query = url.split(['?', '#']).next().unwrap_or_default();
    if !before_query.chars().all(is_plain) {
        return None;
    }
    if url.is_empty() || (url.starts_with(['/', '?', '#']) && !url.starts_with("//")) {
        return Some(before_query.to_owned()).filter(|_| !url.contains('@'));
    }
    let (scheme, rest) = before_query.split_once("://")?;
    if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return None;
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let behind = &url[scheme.len() + "://".len() + authority.len()..];
    let host = authority.rsplit('@').next().unwrap_or_default();
    (is_host_and_port(host) && !behind.contains('@')).then(|| format!("{scheme}://{host}{path}"))
}

/// Whether a text is `host` or `host:port`, the host a name of DNS or an address: what begins with a user looks otherwise.
fn is_host_and_port(text: &str) -> bool {
    let is_name = |host: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        !host.is_empty() && host.bytes().all(is_plain)
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let (is_host, behind) = match text.strip_prefix('[').and_then(|literal| literal.split_once(']')) {
        Some((literal, behind)) => (literal.parse::<Ipv6Addr>().is_ok(), behind),
        None => {
            let (host, behind) = text.split_at(text.find(':').unwrap_or(text.len()));
            (is_name(host), behind)
        }
    };
    is_host && (behind.is_empty() || behind.strip_prefix(':').is_some_and(is_port))
}

#[cfg(test)]
mod tests;
