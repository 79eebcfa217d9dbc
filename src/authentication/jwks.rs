//! The keys of an issuer: where they come from, how fresh they are, and what happens when they can't be read again.

mod key;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jsonwebtoken::Algorithm;
use reqwest::StatusCode;
use serde::Deserialize;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio_util::sync::CancellationToken;

pub(super) use self::key::VerifyingKey;
use crate::config::{KeySource, KeysConfig};
use crate::error::{Cause, causes};
use crate::replaced_file;
use crate::telemetry::{Metrics, Reloaded};

/// The largest JWK Set that is read, in bytes.
const MAX_SET_BYTES: usize = 1024 * 1024;

/// How long fetching a set may take, connecting included.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How soon a set that could not be read is tried again, unless the refresh comes sooner.
const RETRY: Duration = Duration::from_secs(15);

/// How many calls wait at once for the keys of an issuer. Each holds one of the places of all requests, and whoever sends
/// it needs no valid token: without a bound, strangers would take every place while an issuer does not answer.
const MAX_WAITING: usize = 16;

/// Why the keys of an issuer can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file can't be read.
    #[error("{path} can't be read: {source}")]
    File {
        /// Which.
        path: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// They can't be fetched.
    #[error("{place} can't be fetched")]
    Fetch {
        /// From where.
        place: String,
        /// Why.
        source: Cause,
    },
    /// There is something else.
    #[error("{place} is no JWK Set with a public key for RS, PS, ES or EdDSA")]
    Unusable {
        /// Where.
        place: String,
    },
}

/// The keys that were read last.
#[derive(Debug)]
struct KeySet {
    keys: Vec<Arc<VerifyingKey>>,
    /// The text that they were read from.
    text: String,
    /// Raised each time that the text is another.
    version: u64,
    read_at: Instant,
}

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct Keys {
    config: KeysConfig,
    /// None until they could be read once.
    current: watch::Sender<Option<Arc<KeySet>>>,
    /// Held while they are read, so that no older answer takes the place of a newer one.
    reading: Mutex<()>,
    /// Whether reading them failed the last time, so that there may be newer ones.
    has_failed: AtomicBool,
    /// When an unknown key last made us look for new ones; locked while that goes on.
    looked_for_unknown: Arc<Mutex<Option<Instant>>>,
    /// Where calls wait for that.
    places: Semaphore,
}

/// What is known of the key of a token.
#[derive(Debug)]
pub(super) enum Found {
    /// The key, and the version of the set that it is in.
    Key(Arc<VerifyingKey>, u64),
    /// The issuer publishes no such key.
    Unknown,
    /// The keys were never read, or too long ago; or there is no such key among those that were, and newer ones can't be, or
    /// too many wait for them.
    Unavailable,
}

impl Keys {
    /// Prepares to read keys; those in a file are read at once.
    ///
    /// # Errors
    /// A file that can't be used.
    pub(super) fn new(config: KeysConfig) -> Result<Self, KeysError> {
        let keys = Self {
            current: watch::Sender::new(None),
            reading: Mutex::default(),
            has_failed: AtomicBool::default(),
            looked_for_unknown: Arc::default(),
            places: Semaphore::new(MAX_WAITING),
            config,
        };
        if let KeySource::File(path) = &keys.config.source {
            let text = std::fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
            keys.take(text)?;
        }
        Ok(keys)
    }

    /// The version of the keys that may be used now.
    pub(super) fn version(&self) -> Option<u64> {
        self.usable().map(|set| set.version)
    }

    /// Looks for the key of a token, also among new ones if need be.
    pub(super) async fn find(self: &Arc<Self>, id: Option<&str>, algorithm: Algorithm) -> Found {
        match self.find_among_current(id, algorithm) {
            Found::Unknown | Found::Unavailable => {
                if !self.look_for_new().await {
                    return Found::Unavailable;
                }
                match self.find_among_current(id, algorithm) {
                    Found::Unknown if self.has_failed.load(Ordering::Relaxed) => Found::Unavailable,
                    found => found,
                }
            }
            found @ Found::Key(..) => found,
        }
    }

    fn find_among_current(&self, id: Option<&str>, algorithm: Algorithm) -> Found {
        let Some(set) = self.usable() else {
            return Found::Unavailable;
        };
        let mut candidates = set.keys.iter().filter(|key| {
            let is_named = id.is_none() || key.id.as_deref() == id;
            is_named && key.algorithms.contains(&algorithm)
        });
        // A token that names no key is taken where there is no choice.
        match (candidates.next(), candidates.next(), id) {
            (Some(key), None, _) | (Some(key), Some(_), Some(_)) => Found::Key(Arc::clone(key), set.version),
            (None, _, _) | (Some(_), Some(_), None) => Found::Unknown,
        }
    }

    fn usable(&self) -> Option<Arc<KeySet>> {
        let set = self.current.borrow();
        let is_usable = |set: &&Arc<KeySet>| set.read_at.elapsed() <= self.config.max_age;
        set.as_ref().filter(is_usable).cloned()
    }

    /// Reads the keys again, unless that was done a moment ago for the same reason. Callers that come meanwhile wait for
    /// the one reading, and none that goes away takes it along. Whoever finds no place to wait in goes on at once: false.
    async fn look_for_new(self: &Arc<Self>) -> bool {
        let reading = match Arc::clone(&self.looked_for_unknown).try_lock_owned() {
            Ok(last) if last.is_some_and(|instant| instant.elapsed() < self.config.unknown_key_interval) => {
                return true;
            }
            Ok(mut last) => {
                *last = Some(Instant::now());
                let keys = Arc::clone(self);
                Some(tokio::spawn(async move {
                    keys.read_again().await;
                    drop(last);
                }))
            }
            Err(_) => None,
        };
        let Ok(_place) = self.places.try_acquire() else {
            return false;
        };
        match reading {
            // It does not panic; if it did, the keys are as they were.
            Some(reading) => drop(reading.await),
            None => drop(self.looked_for_unknown.lock().await),
        }
        true
    }

    /// Reads the keys again and again until `closing` is cancelled.
    pub(super) async fn refresh_until(self: Arc<Self>, closing: CancellationToken, metrics: Metrics) {
        let mut pause = match self.config.source {
            KeySource::File(_) => self.config.refresh_interval,
            KeySource::Url { .. } => Duration::ZERO,
        };
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            let is_read = self.read_again().await;
            metrics.record_reload(Reloaded::SigningKeys, is_read);
            let interval = self.config.refresh_interval;
            pause = if is_read { interval } else { interval.min(RETRY) };
        }
    }

    /// Reads the keys, and keeps the last good ones if that fails.
    async fn read_again(&self) -> bool {
        let _reading = self.reading.lock().await;
        let read = self.read().await.and_then(|text| self.take(text));
        self.has_failed.store(read.is_err(), Ordering::Relaxed);
        if let Err(error) = &read {
            // The message of a fetch says no more than that it failed.
            let cause = Some(causes(error)).filter(|chain| !chain.is_empty());
            let last_read = self.current.borrow().as_ref().map(|set| set.read_at.elapsed());
            tracing::warn!(%error, cause, ?last_read, "cannot read the keys of an issuer of tokens");
        }
        read.is_ok()
    }

    async fn read(&self) -> Result<String, KeysError> {
        match &self.config.source {
            KeySource::File(path) => replaced_file::read_to_string(path)
                .await
                .map_err(|source| unreadable(path, source)),
            KeySource::Url {
                url,
                certificate_authority,
                token,
            } => fetch(url, certificate_authority.as_deref(), token.as_deref())
                .await
                .map_err(|source| KeysError::Fetch {
                    place: self.place(),
                    source,
                }),
        }
    }

    /// Makes what was read the current keys.
    fn take(&self, text: String) -> Result<(), KeysError> {
        let last = self.current.borrow().clone();
        let set = match last {
            Some(last) if last.text == text => KeySet {
                keys: last.keys.clone(),
                text,
                version: last.version,
                read_at: Instant::now(),
            },
            last => {
                let keys = parse(&text).ok_or_else(|| KeysError::Unusable { place: self.place() })?;
                if keys.is_empty() {
                    let place = self.place();
                    tracing::warn!(
                        place,
                        "an issuer of tokens publishes no keys: all of its tokens are refused"
                    );
                }
                KeySet {
                    keys,
                    text,
                    version: last.map_or(0, |last| last.version) + 1,
                    read_at: Instant::now(),
                }
            }
        };
        self.current.send_replace(Some(Arc::new(set)));
        Ok(())
    }

    /// Where they are, for logs: of a URL what stands before its query, which may have a secret in it.
    fn place(&self) -> String {
        match &self.config.source {
            KeySource::File(path) => path.display().to_string(),
            KeySource::Url { url, .. } => url.split(['?', '#']).next().unwrap_or_default().to_owned(),
        }
    }
}

fn unreadable(path: &Path, source: std::io::Error) -> KeysError {
    KeysError::File {
        path: path.display().to_string(),
        source,
    }
}

/// What is wrong with a file that a fetch needs.
fn named(path: &Path) -> impl FnOnce(std::io::Error) -> Cause {
    move |source| unreadable(path, source).to_string().into()
}

/// Reads the keys of a JWK Set that can be used; none when it is no set, or has none of them. An empty set is one without keys:
/// its issuer has withdrawn them all.
fn parse(text: &str) -> Option<Vec<Arc<VerifyingKey>>> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_str(text).ok()?;
    let is_empty = set.keys.is_empty();
    let usable = set.keys.into_iter().filter_map(VerifyingKey::from_json);
    let keys: Vec<Arc<VerifyingKey>> = usable.map(Arc::new).collect();
    (is_empty || !keys.is_empty()).then_some(keys)
}

/// Fetches a text. Authority and token are read each time, because both are replaced while we run.
async fn fetch(url: &str, certificate_authority: Option<&Path>, token: Option<&Path>) -> Result<String, Cause> {
    let mut builder = reqwest::Client::builder()
        .https_only(true)
        // Whom to trust the keys of, the configuration says, and no answer.
        .redirect(reqwest::redirect::Policy::none())
        .timeout(FETCH_TIMEOUT);
    if let Some(path) = certificate_authority {
        let pem = replaced_file::read(path).await.map_err(named(path))?;
        let authorities = reqwest::Certificate::from_pem_bundle(&pem)?;
        if authorities.is_empty() {
            return Err(format!("{} has no certificate in PEM", path.display()).into());
        }
        builder = builder.tls_certs_only(authorities);
    }
    let client = builder.build().map_err(reqwest::Error::without_url)?;
    let mut request = client.get(url);
    if let Some(path) = token {
        let token = replaced_file::read_to_string(path).await.map_err(named(path))?;
        request = request.bearer_auth(token.trim());
    }
    // What a fetch says of an error, it says with the URL.
    let mut response = request.send().await.map_err(reqwest::Error::without_url)?;
    if response.status() != StatusCode::OK {
        return Err(format!("it answers {}, and not with 200 OK", response.status()).into());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_SET_BYTES {
            return Err(format!("it is larger than {MAX_SET_BYTES} bytes").into());
        }
    }
    Ok(String::from_utf8(body)?)
}

#[cfg(test)]
mod tests;
