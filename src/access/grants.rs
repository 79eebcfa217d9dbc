//! What is granted to a caller, read from the store and kept for a moment.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use uuid::Uuid;

use super::caller::Caller;
use crate::domain::digest::{Digest, Fingerprint};
use crate::domain::name::{DashboardName, ProjectId};
use crate::domain::role::Role;
use crate::error::Result;

/// How old what is known of a caller may be: for so long, a revoked grant may still count.
const MAX_AGE: Duration = Duration::from_secs(5);

/// Of how many callers the grants are kept.
const MAX_CALLERS: usize = 10_000;

/// A role that was granted to a caller, or to a group that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What it is had on.
    pub on: GrantedOn,
    /// The role.
    pub role: Role,
}

/// What a role is had on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantedOn {
    /// Everything.
    Platform,
    /// One project and all in it.
    Project(ProjectId),
    /// One life of one dashboard.
    Dashboard {
        /// That life: another dashboard of the same name is not meant.
        uid: Uuid,
        /// Its name.
        name: DashboardName,
    },
}

impl GrantedOn {
    /// The project, where it is one.
    pub fn project(&self) -> Option<&ProjectId> {
        match self {
            Self::Project(project) => Some(project),
            Self::Platform | Self::Dashboard { .. } => None,
        }
    }

    /// The dashboard, where it is one.
    pub fn dashboard(&self) -> Option<(Uuid, &DashboardName)> {
        match self {
            Self::Dashboard { uid, name } => Some((*uid, name)),
            Self::Platform | Self::Project(_) => None,
        }
    }
}

/// Where grants are read.
pub trait GrantSource: fmt::Debug + Send + Sync {
    /// The grants of any of `subjects`, each `user:…` or `group:…`.
    fn grants_of<'a>(&'a self, subjects: &'a [String]) -> BoxFuture<'a, Result<Vec<Grant>>>;
}

/// The grants of the callers that called last.
#[derive(Debug)]
pub(super) struct KnownGrants {
    source: Arc<dyn GrantSource>,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    /// By user and groups.
    known: HashMap<Digest, Known>,
    /// How often everything was forgotten: what was asked for before is not kept afterwards.
    generation: u64,
}

#[derive(Debug)]
struct Known {
    grants: Arc<[Grant]>,
    asked_at: Instant,
}

impl Known {
    fn is_fresh(&self) -> bool {
        self.asked_at.elapsed() < MAX_AGE
    }
}

impl KnownGrants {
    pub(super) fn new(source: Arc<dyn GrantSource>) -> Self {
        Self {
            source,
            cache: Mutex::default(),
        }
    }

    /// The grants of a caller and its groups, as they were at most five seconds ago.
    pub(super) async fn of(&self, caller: &Caller) -> Result<Arc<[Grant]>> {
        let key = Fingerprint::new()
            .part(caller.subject())
            .parts(caller.groups().iter())
            .finish();
        let generation = {
            let cache = self.lock();
            if let Some(known) = cache.known.get(&key).filter(|known| known.is_fresh()) {
                return Ok(Arc::clone(&known.grants));
            }
            cache.generation
        };
        let asked_at = Instant::now();
        let grants = self.now(caller).await?;
        let known = Known {
            grants: Arc::clone(&grants),
            asked_at,
        };
        self.lock().keep(generation, key, known);
        Ok(grants)
    }

    /// The grants of a caller and its groups, read from the store.
    pub(super) async fn now(&self, caller: &Caller) -> Result<Arc<[Grant]>> {
        Ok(self.source.grants_of(&caller.grantees()).await?.into())
    }

    /// Awaits what changes grants, and forgets everything: this server shall not go on by the old ones. It forgets as well where
    /// the change failed, or nobody awaits its end any more: it may have been made all the same.
    pub(super) async fn change<T>(&self, change: impl Future<Output = T>) -> T {
        let _forgetting = Forgetting(self);
        change.await
    }

    fn forget(&self) {
        let mut cache = self.lock();
        cache.known.clear();
        cache.generation += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets when it is dropped.
struct Forgetting<'a>(&'a KnownGrants);

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        self.0.forget();
    }
}

impl Cache {
    /// Keeps what was asked for in that generation, if it still lasts.
    fn keep(&mut self, generation: u64, key: Digest, known: Known) {
        if generation != self.generation {
            return;
        }
        if self.known.len() >= MAX_CALLERS {
            self.known.retain(|_, other| other.is_fresh());
        }
        if self.known.len() >= MAX_CALLERS {
            self.known.clear();
        }
        self.known.insert(key, known);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::{FutureExt as _, poll};

    use super::*;
    use crate::access::{AuthMethod, Identity};
    use crate::error::Error;

    /// Grants each caller one role on the platform more each time that it is asked, and counts.
    #[derive(Debug, Default)]
    struct Growing {
        asked: AtomicUsize,
        is_away: bool,
    }

    impl GrantSource for Growing {
        fn grants_of<'a>(&'a self, _subjects: &'a [String]) -> BoxFuture<'a, Result<Vec<Grant>>> {
            let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
            let granted = Grant {
                on: GrantedOn::Platform,
                role: Role::Viewer,
            };
            let answer = match self.is_away {
                true => Err(Error::DeadlineExceeded),
                false => Ok(vec![granted; asked]),
            };
            async move {
                tokio::task::yield_now().await;
                answer
            }
            .boxed()
        }
    }

    fn caller(user: &str, groups: &[&str]) -> Caller {
        let identity = Identity {
            user: user.into(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            roles: Vec::new(),
        };
        let origin = Arc::new(Caller::server("test", Uuid::nil()).origin().clone());
        Caller::new(identity, AuthMethod::Jwt, origin)
    }

    #[tokio::test(start_paused = true)]
    async fn grants_are_known_for_five_seconds() {
        let known = KnownGrants::new(Arc::new(Growing::default()));
        let ada = caller("ada", &[]);
        assert_eq!(known.of(&ada).await.unwrap().len(), 1);
        tokio::time::advance(MAX_AGE - Duration::from_millis(1)).await;
        assert_eq!(known.of(&ada).await.unwrap().len(), 1);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(known.of(&ada).await.unwrap().len(), 2);
        known.change(async {}).await;
        assert_eq!(known.of(&ada).await.unwrap().len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_asked_for_before_a_change_is_not_kept_after_it() {
        let known = KnownGrants::new(Arc::new(Growing::default()));
        let ada = caller("ada", &[]);
        let mut reading = pin!(known.of(&ada));
        assert!(poll!(&mut reading).is_pending());
        known.change(async {}).await;
        assert_eq!(reading.await.unwrap().len(), 1);
        assert_eq!(known.of(&ada).await.unwrap().len(), 2);
        assert_eq!(known.of(&ada).await.unwrap().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_whose_end_nobody_awaits_counts_too() {
        let known = KnownGrants::new(Arc::new(Growing::default()));
        let ada = caller("ada", &[]);
        assert_eq!(known.of(&ada).await.unwrap().len(), 1);
        {
            let mut changing = pin!(known.change(tokio::task::yield_now()));
            assert!(poll!(&mut changing).is_pending());
            assert_eq!(known.of(&ada).await.unwrap().len(), 1);
        }
        assert_eq!(known.of(&ada).await.unwrap().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_is_its_name_and_all_of_its_groups() {
        let known = KnownGrants::new(Arc::new(Growing::default()));
        let callers = [
            caller("a", &[]),
            caller("a", &["b"]),
            caller("a", &["b", "c"]),
            caller("a", &["bc"]),
            caller("b", &[]),
        ];
        for (position, other) in callers.iter().enumerate() {
            assert_eq!(known.of(other).await.unwrap().len(), position + 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_not_be_read_is_not_known() {
        let source = Growing {
            is_away: true,
            ..Growing::default()
        };
        let known = KnownGrants::new(Arc::new(source));
        for _ in 0..2 {
            assert!(matches!(
                known.of(&caller("a", &[])).await,
                Err(Error::DeadlineExceeded)
            ));
        }
        assert!(known.lock().known.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_of_callers_takes_no_more_room() {
        let known = KnownGrants::new(Arc::new(Growing::default()));
        for number in 0..=MAX_CALLERS {
            let grants: Arc<[Grant]> = Arc::default();
            known.lock().keep(
                0,
                Digest::of(&number.to_be_bytes()),
                Known {
                    grants,
                    asked_at: Instant::now(),
                },
            );
        }
        assert_eq!(known.lock().known.len(), 1);
    }

    #[test]
    fn a_grant_can_be_for_the_user_or_a_group() {
        assert_eq!(caller("a", &["b", "c"]).grantees(), ["user:a", "group:b", "group:c"]);
    }
}
