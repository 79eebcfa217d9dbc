//! Seals: what is signed of a range of events, and of events that are no longer kept.

use std::fmt;
use std::str::FromStr;

use data_encoding::{DecodeError, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::encoding::Encoder;
use super::event::microseconds;
use super::month::Month;
use crate::domain::digest::Digest;

/// Stands before the bytes of a seal that are signed, so that no signature of another kind is taken for one.
const SEAL_CONTEXT: &str = "dashboard-store audit seal 1";

/// The same for a checkpoint.
const CHECKPOINT_CONTEXT: &str = "dashboard-store audit checkpoint 1";

/// Where a range ends that has all events of its last transaction.
pub const WHOLE_TRANSACTION: i64 = i64::MAX;

/// Where the range of a seal ends that begins an epoch after the first: with the transaction id 0, which no transaction has.
pub const EPOCH_BEGIN: (u64, i64) = (0, WHOLE_TRANSACTION);

/// An Ed25519 signature, and which key made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The id of the key: the first 16 hexadecimal digits of the SHA-256 of the public key's 32 bytes.
    pub key_id: String,
    /// The signature.
    pub signature: Signature,
}

/// The bytes of a signature, whatever they are worth; written as lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature(pub Vec<u8>);

impl From<Signature> for String {
    fn from(signature: Signature) -> Self {
        HEXLOWER.encode(&signature.0)
    }
}

impl TryFrom<String> for Signature {
    type Error = DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map(Self)
    }
}

/// Knows public keys.
pub trait CheckSignature {
    /// Checks that `signed` is a signature of `message`.
    fn check(&self, message: &[u8], signed: &Signed) -> SignatureCheck;
}

/// What a public key says of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureCheck {
    /// It is one of the message, by the key that it names.
    Good,
    /// It is none of the message.
    Bad,
    /// The key is not known.
    UnknownKey,
}

/// What a seal says, without its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealContent {
    /// Numbers the seals from 1, without gaps.
    pub number: i64,
    /// Counts how often transaction ids have begun again: raised after a restore into another cluster.
    pub epoch: i32,
    /// The events of the epoch have a higher `seq`.
    pub after_seq: i64,
    /// The partition.
    pub month: Month,
    /// The first transaction id of the range.
    pub from_xid: u64,
    /// The last transaction id of the range.
    pub to_xid: u64,
    /// Up to which `seq` events of that transaction are in the range: [`WHOLE_TRANSACTION`] for all of them.
    pub to_seq: i64,
    /// The highest `seq` of all events that were sealed so far.
    pub last_seq: i64,
    /// The digests of the events, ordered by (xid, seq); none where the seal begins an epoch after the first.
    pub event_digests: Vec<Digest>,
    /// The root of the seal before; zeros in the first one.
    pub previous_root: Digest,
    /// When it was made, by the clock of the database.
    #[serde(with = "super::microsecond")]
    pub sealed_at: OffsetDateTime,
}

impl SealContent {
    /// SHA-256 over the previous root and the digests of the events.
    pub fn root(&self) -> Digest {
        let mut hash = Sha256::new();
        hash.update(self.previous_root.as_bytes());
        for digest in &self.event_digests {
            hash.update(digest.as_bytes());
        }
        <[u8; 32]>::from(hash.finalize()).into()
    }

    /// How far it brings its epoch.
    pub fn epoch_so_far(&self) -> EpochSoFar {
        EpochSoFar {
            epoch: self.epoch,
            after_seq: self.after_seq,
            last_seq: self.last_seq,
        }
    }

    /// Whether it says that it begins an epoch after the first.
    pub fn begins_epoch(&self) -> bool {
        (self.to_xid, self.to_seq) == EPOCH_BEGIN
    }

    /// Whether it begins the epoch after `before`: it covers no event.
    pub fn begins_epoch_after(&self, before: i32) -> bool {
        let covers_none = self.event_digests.is_empty();
        covers_none && self.begins_epoch() && before.checked_add(1) == Some(self.epoch)
    }

    /// Whether it goes on with the epoch of the seal before, or begins the next one behind it.
    pub fn follows(&self, before: EpochSoFar) -> bool {
        if self.epoch == before.epoch {
            return self.after_seq == before.after_seq;
        }
        self.begins_epoch_after(before.epoch) && self.after_seq == before.last_seq
    }

    /// The bytes that are signed, of a seal with this root.
    pub fn message(&self, root: Digest) -> Vec<u8> {
        let mut encoder = Encoder::new();
        encoder
            .text(SEAL_CONTEXT)
            .long(self.number)
            .int(self.epoch)
            .long(self.after_seq)
            .text(&self.month.to_string())
            .xid(self.from_xid)
            .xid(self.to_xid)
            .long(self.to_seq)
            .long(self.last_seq)
            .long(i64::try_from(self.event_digests.len()).unwrap_or(i64::MAX))
            .fixed(self.previous_root.as_bytes())
            .fixed(root.as_bytes())
            .long(microseconds(self.sealed_at));
        encoder.into_bytes()
    }
}

/// How far a seal brings its epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochSoFar {
    epoch: i32,
    after_seq: i64,
    last_seq: i64,
}

/// A seal over the events of one partition in one range of transaction ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// What it says.
    #[serde(flatten)]
    pub content: SealContent,
    /// SHA-256 over the previous root and the digests.
    pub root: Digest,
    /// Who vouches for it.
    #[serde(flatten)]
    pub signed: Signed,
}

impl Seal {
    /// Where its range ends: a transaction id, and a `seq` in that transaction.
    pub fn end(&self) -> (u64, i64) {
        (self.content.to_xid, self.content.to_seq)
    }

    /// What names it, in logs.
    pub fn head(&self) -> Head {
        Head {
            number: self.content.number,
            root: self.root,
        }
    }
}

/// The first seal has none before it.
pub fn first_previous_root() -> Digest {
    Digest::from([0; 32])
}

/// That events are no longer kept, and where verification begins therefore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The first month whose events are kept.
    pub kept_from: Month,
    /// The last seal before the first one over events that are kept; 0 where there is none.
    pub seal_number: i64,
    /// The root of that seal.
    pub seal_root: Digest,
    /// How many events went with the month before `kept_from`.
    pub dropped_events: i64,
    /// When they went, by the clock of the database.
    #[serde(with = "super::microsecond")]
    pub created_at: OffsetDateTime,
}

impl Checkpoint {
    /// The bytes that are signed.
    pub fn message(&self) -> Vec<u8> {
        let mut encoder = Encoder::new();
        encoder
            .text(CHECKPOINT_CONTEXT)
            .text(&self.kept_from.to_string())
            .long(self.seal_number)
            .fixed(self.seal_root.as_bytes())
            .long(self.dropped_events)
            .long(microseconds(self.created_at));
        encoder.into_bytes()
    }
}

/// The number and the root of a seal, which vouch for it and all before it; written `17:9f86d0…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of the seal.
    pub number: i64,
    /// Its root.
    pub root: Digest,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.root)
    }
}

/// A text that is no head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the number and the root of a seal, as NUMBER:ROOT with 64 hexadecimal digits")]
pub struct NotAHead;

impl FromStr for Head {
    type Err = NotAHead;

    fn from_str(text: &str) -> Result<Self, NotAHead> {
        let (number, root) = text.trim().split_once(':').ok_or(NotAHead)?;
        let number = number.parse().ok().filter(|number| *number > 0).ok_or(NotAHead)?;
        let root = Digest::try_from(root.to_owned()).map_err(|_| NotAHead)?;
        Ok(Self { number, root })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = Head {
            number: 17,
            root: Digest::of(b"x"),
        };
        assert_eq!(head.to_string().parse(), Ok(head));
        let root = "0".repeat(64);
        for text in [
            "",
            "17",
            "17:",
            "x:00",
            &format!("17:{}", "g".repeat(64)),
            &format!("0:{root}"),
            &format!("-1:{root}"),
        ] {
            assert_eq!(text.parse::<Head>(), Err(NotAHead), "{text}");
        }
    }
}
