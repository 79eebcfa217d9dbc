//! What becomes known of a call on its way, for whoever tells how it ended.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::caller::Caller;
use super::permission::Permission;
use super::{AuthMethod, Target};

/// How far a call came. The layers around an RPC see how it ended, and not what it was about: that is noted here.
#[derive(Debug, Default)]
pub struct CallCourse {
    asked: Mutex<Option<Asked>>,
}

/// What a caller asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Who: `user:name`.
    pub subject: String,
    /// The groups that authentication found.
    pub groups: Vec<String>,
    /// How it was authenticated.
    pub auth_method: AuthMethod,
    /// What for.
    pub permission: Permission,
    /// On what.
    pub target: Target,
    /// Whether it was denied.
    pub is_denied: bool,
    /// Whether a change was begun that was to be kept.
    pub is_change: bool,
}

impl CallCourse {
    /// Notes what is asked for, or that it was denied. Of several things the first counts, unless one was denied.
    pub(super) fn ask(&self, caller: &Caller, permission: Permission, target: &Target, is_denied: bool) {
        let mut asked = self.lock();
        if asked.as_ref().is_some_and(|first| first.is_denied || !is_denied) {
            return;
        }
        *asked = Some(Asked {
            subject: caller.subject().to_owned(),
            groups: caller.groups().to_vec(),
            auth_method: caller.auth_method(),
            permission,
            target: target.clone(),
            is_denied,
            is_change: false,
        });
    }

    /// Notes that a change is begun which is to be kept, by a permission that was granted on `target`.
    pub(crate) fn begin_change(&self, permission: Permission, target: &Target) {
        if let Some(asked) = self.lock().as_mut().filter(|asked| !asked.is_denied) {
            // An import asks for each of its items: the one that is written counts.
            asked.permission = permission;
            asked.target = target.clone();
            asked.is_change = true;
        }
    }

    /// Notes that the change which was begun had been made by an earlier call: whatever this one is answered, it is none of its own.
    pub(crate) fn repeat_change(&self) {
        if let Some(asked) = self.lock().as_mut() {
            asked.is_change = false;
        }
    }

    /// Looks at what was asked for; none before anything was.
    pub fn look<T>(&self, at: impl FnOnce(Option<&Asked>) -> T) -> T {
        at(self.lock().as_ref())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
