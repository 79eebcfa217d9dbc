//! The chain of seals, whatever became of their events.

use super::seal::{CheckSignature, Checkpoint, EpochSoFar, Head, Seal, SignatureCheck, Signed, first_previous_root};
use super::verification::Finding;

/// Walks along the seals, in the order of their numbers, from the first one or from a checkpoint.
#[derive(Debug)]
pub struct SealChain<K> {
    keys: K,
    last: Head,
    /// None before the first seal that is taken.
    epoch: Option<EpochSoFar>,
}

impl<K: CheckSignature> SealChain<K> {
    /// Begins before the first seal.
    pub fn new(keys: K) -> Self {
        let last = Head {
            number: 0,
            root: first_previous_root(),
        };
        Self {
            keys,
            last,
            epoch: None,
        }
    }

    /// The last seal that was taken, or that of the checkpoint.
    pub fn last(&self) -> Head {
        self.last
    }

    /// Goes on behind the seal of a checkpoint.
    ///
    /// # Errors
    /// It is not signed by its key.
    pub fn begin_behind(&mut self, checkpoint: &Checkpoint, signed: &Signed) -> Result<(), Finding> {
        self.last = Head {
            number: checkpoint.seal_number,
            root: checkpoint.seal_root,
        };
        self.check_signature(&checkpoint.message(), signed, None)
    }

    /// Takes the next seal.
    ///
    /// # Errors
    /// It is another one, is not as it was signed, or does not follow from the one before.
    pub fn take(&mut self, seal: &Seal) -> Result<(), Finding> {
        let number = seal.content.number;
        let due = self.last.number.saturating_add(1);
        if number > due {
            return Err(Finding::SealRemoved { number: due });
        }
        let content = &seal.content;
        let is_next = number == due && content.previous_root == self.last.root;
        if !is_next || !self.epoch.is_none_or(|epoch| content.follows(epoch)) {
            return Err(Finding::SealEdited { number });
        }
        self.check(seal)?;
        self.last = seal.head();
        self.epoch = Some(content.epoch_so_far());
        Ok(())
    }

    /// Looks at a seal alone, wherever it stands.
    ///
    /// # Errors
    /// It is not as it was signed.
    pub fn check(&self, seal: &Seal) -> Result<(), Finding> {
        let number = seal.content.number;
        if seal.root != seal.content.root() {
            return Err(Finding::SealEdited { number });
        }
        self.check_signature(&seal.content.message(seal.root), &seal.signed, Some(number))
    }

    /// Checks the signature of a seal, or that of the checkpoint.
    fn check_signature(&self, message: &[u8], signed: &Signed, seal: Option<i64>) -> Result<(), Finding> {
        Err(match (self.keys.check(message, signed), seal) {
            (SignatureCheck::Good, _) => return Ok(()),
            (SignatureCheck::Bad, Some(number)) => Finding::SealEdited { number },
            (SignatureCheck::Bad, None) => Finding::CheckpointEdited,
            (SignatureCheck::UnknownKey, _) => Finding::UnknownKey {
                seal,
                key_id: signed.key_id.clone(),
            },
        })
    }
}
