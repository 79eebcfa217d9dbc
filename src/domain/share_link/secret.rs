//! The secret of a share link: who has it may see the dashboard.

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::digest::Digest;

/// What every secret begins with: whoever scans for secrets that leaked finds it.
const PREFIX: &str = "psh_";

/// As many digits as 32 bytes need.
const RANDOM_DIGITS: usize = 43;

/// As many digits as a CRC-32 needs.
const CHECKSUM_DIGITS: usize = 6;

/// The digits of base 62, in the order of ASCII.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `psh_`, 43 digits of base 62 for 32 random bytes, and 6 for the CRC-32 (ISO-HDLC) of all before them.
///
/// It is shown to nobody but whoever created the link, and once: it has no `Display`, its `Debug` hides it, and memory that
/// held it is overwritten.
#[derive(Debug, Clone)]
pub struct ShareSecret(SecretString);

impl ShareSecret {
    /// Writes 32 bytes, which nobody can guess, as a secret.
    pub fn from_random(random: &[u8; 32]) -> Self {
        let mut text = String::with_capacity(PREFIX.len() + RANDOM_DIGITS + CHECKSUM_DIGITS);
        text.push_str(PREFIX);
        push_base62::<RANDOM_DIGITS>(&mut text, random);
        push_checksum(&mut text);
        Self(text.into())
    }

    /// Reads a secret; none for text that no secret can be, which so costs no look at the database.
    pub fn parse(text: String) -> Option<Self> {
        let secret = SecretString::from(text);
        let given = secret.expose_secret();
        let body_end = PREFIX.len() + RANDOM_DIGITS;
        let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let has_form = given.len() == body_end + CHECKSUM_DIGITS
            && given.strip_prefix(PREFIX).is_some_and(is_digits)
            && given.ends_with(&checksum(&given[..body_end]));
        has_form.then_some(Self(secret))
    }

    /// The text, for the one answer that carries it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// SHA-256 of the text: what is stored, and looked up.
    pub fn sha256(&self) -> Digest {
        Digest::of(self.expose().as_bytes())
    }
}

/// A caller's text up to the first secret in it, for whatever is told or kept of a text that should have none.
pub fn without_secret(text: &str) -> &str {
    match text.find(PREFIX) {
        Some(begin) => &text[..begin + PREFIX.len()],
        None => text,
    }
}

/// Whether a text has a secret in it: what does is refused as a name or a note, since those are told, logged and kept.
pub fn holds_secret(text: &str) -> bool {
    let is_secret = |rest: &str| {
        let digits = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        digits >= RANDOM_DIGITS + CHECKSUM_DIGITS
    };
    text.split(PREFIX).skip(1).any(is_secret)
}

fn push_checksum(text: &mut String) {
    let digits = checksum(text);
    text.push_str(&digits);
}

fn checksum(text: &str) -> String {
    let mut digits = String::with_capacity(CHECKSUM_DIGITS);
    let crc = crc32fast::hash(text.as_bytes());
    push_base62::<CHECKSUM_DIGITS>(&mut digits, &crc.to_be_bytes());
    digits
}

/// Writes a number, its most significant byte first, with `N` digits.
fn push_base62<const N: usize>(text: &mut String, number: &[u8]) {
    let mut left = Zeroizing::new(number.to_vec());
    let mut digits = Zeroizing::new([0_u8; N]);
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_u16;
        for byte in left.iter_mut() {
            let dividend = (remainder << 8) | u16::from(*byte);
            // The remainder was below 62, so the quotient is below 256.
            *byte = (dividend / 62) as u8;
            remainder = dividend % 62;
        }
        *digit = DIGITS[usize::from(remainder)];
    }
    text.extend(digits.iter().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Worked out by hand: what is written today is read by the releases of tomorrow, and by scanners for secrets.
    const OF_ZEROES: &str = "psh_0000000000000000000000000000000000000000000";

    #[test]
    fn secrets_have_one_form() {
        let of_zeroes = ShareSecret::from_random(&[0; 32]);
        assert_eq!(of_zeroes.expose().len(), 53);
        assert!(of_zeroes.expose().starts_with(OF_ZEROES));
        let mut one = [0; 32];
        one[31] = 62;
        let digits = &ShareSecret::from_random(&one).expose()[4..47].to_owned();
        assert!(digits.ends_with("0010"), "{digits}");
        let largest = ShareSecret::from_random(&[255; 32]).expose()[4..47].to_owned();
        assert!(largest.chars().next().is_some_and(|first| first != '0'), "{largest}");
    }

    #[test]
    fn the_checksum_is_that_of_the_text_before_it() {
        // CRC-32/ISO-HDLC of "123456789" is cbf43926, as its definition says.
        assert_eq!(checksum("123456789"), "3jZRME");
    }

    #[test]
    fn what_is_told_of_a_text_ends_where_a_secret_begins() {
        let secret = ShareSecret::from_random(&[7; 32]).expose().to_owned();
        for (text, told) in [
            (format!("links/{secret} and more"), "links/psh_"),
            (format!("links/{}", &secret[..20]), "links/psh_"),
            ("no pshaw".to_owned(), "no pshaw"),
        ] {
            assert_eq!(without_secret(&text), told);
        }
    }

    #[test]
    fn a_text_holds_a_secret_wherever_it_stands() {
        let secret = ShareSecret::from_random(&[7; 32]).expose().to_owned();
        for text in [secret.clone(), format!("a psh_{secret}"), format!("{secret}9/x")] {
            assert!(holds_secret(&text), "{text}");
        }
        for text in ["", "psh_", "push_", &secret[4..], &secret[..52]] {
            assert!(!holds_secret(text), "{text}");
        }
    }

    #[test]
    fn placeholders_and_damaged_secrets_are_none() {
        let secret = ShareSecret::from_random(&[7; 32]).expose().to_owned();
        let (body, check) = secret.split_at(47);
        for text in [
            "",
            "psh_",
            "null",
            "undefined",
            "*",
            "%",
            "0",
            body,
            &format!(" {secret}"),
            &format!("{secret} "),
            &format!("{secret}\n"),
            &format!("{body}000000"),
            &format!("PSH_{}{check}", &body[4..]),
            &secret.to_lowercase(),
            &format!("psh_{}{check}", "é".repeat(21) + "a"),
            &"x".repeat(1 << 20),
        ] {
            assert!(ShareSecret::parse(text.to_owned()).is_none(), "{text:.80}");
        }
    }

    #[test]
    fn secrets_do_not_show_themselves() {
        let secret = ShareSecret::from_random(&[9; 32]);
        assert!(!format!("{secret:?}").contains(&secret.expose()[4..20]));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_no_other_digit(random: [u8; 32], place in 4..53_usize) {
            let secret = ShareSecret::from_random(&random);
            let read = ShareSecret::parse(secret.expose().to_owned());
            prop_assert_eq!(read.map(|read| read.sha256()), Some(secret.sha256()));
            let mut damaged = secret.expose().to_owned();
            let other = if damaged[place..].starts_with('a') { "b" } else { "a" };
            damaged.replace_range(place..=place, other);
            prop_assert!(ShareSecret::parse(damaged).is_none());
        }

        #[test]
        fn no_text_panics(text in "(psh_)?[0-9A-Za-zé]{0,60}") {
            let _ = ShareSecret::parse(text);
        }
    }
}
