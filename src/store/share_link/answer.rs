//! What mutations of links answer, and what is kept of it: no secret.

use serde::{Deserialize, Serialize};

use crate::domain::name::ShareLinkName;
use crate::domain::share_link::{ShareLink, ShareSecret};
use crate::store::mutate::Answer;

/// A new link, and its secret, which is nowhere but here.
#[derive(Debug)]
pub struct IssuedLink {
    /// The link.
    pub link: ShareLink,
    /// Its secret.
    pub secret: ShareSecret,
}

/// What is kept of the answer that had a secret: which link it was for.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptIssue {
    /// Its name.
    pub name: ShareLinkName,
}

impl Answer for IssuedLink {
    type Kept = KeptIssue;

    fn kept(&self) -> KeptIssue {
        KeptIssue {
            name: self.link.name.clone(),
        }
    }
}

impl Answer for ShareLink {
    type Kept = Self;

    fn kept(&self) -> Self {
        self.clone()
    }
}

/// How many links a call revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedLinks(pub i32);

impl Answer for RevokedLinks {
    type Kept = Self;

    fn kept(&self) -> Self {
        *self
    }
}
