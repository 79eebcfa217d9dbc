//! Users, and the resource names that begin with one: `users/{user}[/preferences]`.

use std::fmt;
use std::ops::RangeInclusive;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use super::name::{malformed, segments};
use super::reason::Reason;
use super::share_link::holds_secret;
use super::violation::Violation;

/// The longest name of a user or a group in bytes.
pub const MAX_USER_BYTES: usize = 512;

/// The user id that stands for the caller.
const ME: &str = "me";

/// What is encoded in a resource name: all but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A user, by the name that authentication found: any text, such as a SPIFFE id or an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserId(String);

impl UserId {
    const PATTERN: &'static str = "users/{user}";

    /// Checks a user name.
    ///
    /// # Errors
    /// `INVALID_NAME` on `field` for a name that is empty, longer than [`MAX_USER_BYTES`], has characters that are
    /// [unseen](is_unseen) or a blank at an end, or holds the secret of a share link.
    pub fn new(field: &str, name: &str) -> Result<Self, Violation> {
        if !is_name(name) {
            let description = format!(
                "a user or a group is 1 to {MAX_USER_BYTES} bytes without characters that are not seen, and without a blank at either \
                 end"
            );
            return Err(Violation::new(field, Reason::InvalidName, description));
        }
        if holds_secret(name) {
            let description = "the token of a share link is neither a user nor a group";
            return Err(Violation::new(field, Reason::InvalidName, description));
        }
        Ok(Self(name.to_owned()))
    }

    /// Parses `users/{user}`, the user percent-encoded; `users/me` is `caller`.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` or `INVALID_NAME` on `field`.
    pub fn parse(field: &str, name: &str, caller: &str) -> Result<Self, Violation> {
        match segments::<2>(field, name, Self::PATTERN)? {
            ["users", user] => Self::decode(field, user, caller),
            _ => Err(malformed(field, name, Self::PATTERN)),
        }
    }

    /// Reads the segment of a resource name that stands for a user.
    fn decode(field: &str, segment: &str, caller: &str) -> Result<Self, Violation> {
        if segment == ME {
            return Self::new(field, caller);
        }
        let is_encoded = segment.split('%').skip(1).all(begins_with_two_digits);
        let decoded = percent_decode_str(segment).decode_utf8().ok().filter(|_| is_encoded);
        let user = decoded.ok_or_else(|| {
            let description = "the user must be percent-encoded UTF-8: \"%\" and two hexadecimal digits for a byte";
            Violation::new(field, Reason::InvalidName, description)
        })?;
        Self::new(field, &user)
    }

    /// `user:…`: who it is in grants, revisions and audit events.
    pub fn subject(&self) -> String {
        format!("user:{}", self.0)
    }
}

/// Whether a text can be the name of a user or a group: 1 to [`MAX_USER_BYTES`] bytes, none of them of a character that is
/// [unseen](is_unseen), no blank at either end. Two users who look the same would be granted what is meant for one.
pub(super) fn is_name(text: &str) -> bool {
    (1..=MAX_USER_BYTES).contains(&text.len()) && !text.chars().any(is_unseen) && text.trim() == text
}

/// Whether the name of a user or a group can begin with a text, and go on behind it.
pub fn can_begin_name(text: &str) -> bool {
    is_name(&format!("{text}x")) && !holds_secret(text)
}

/// Whether a character is none that is seen: a control, one that formats others or separates lines (the general categories Cc, Cf, Zl
/// and Zp of Unicode), such as blanks of no width and what turns the direction of a text, or another that is not drawn. With them, names
/// would look like others.
pub fn is_unseen(character: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator};
    matches!(
        character.general_category(),
        Control | Format | LineSeparator | ParagraphSeparator
    ) || IGNORABLE.iter().any(|range| range.contains(&character))
}

/// What else is not drawn: the property Default_Ignorable_Code_Point of Unicode 16 beyond Cf (fillers, joiners, selectors of variants),
/// and the empty pattern of Braille.
const IGNORABLE: [RangeInclusive<char>; 11] = [
    '\u{34f}'..='\u{34f}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{2065}'..='\u{2065}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fff8}',
    '\u{e0000}'..='\u{e0fff}',
];

fn begins_with_two_digits(text: &str) -> bool {
    let digits = text.as_bytes().get(..2);
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "users/{}", utf8_percent_encode(&self.0, ENCODED))
    }
}

/// `users/{user}/preferences`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PreferencesName {
    /// Whose.
    pub user: UserId,
}

impl PreferencesName {
    const PATTERN: &'static str = "users/{user}/preferences";

    /// Parses the full resource name; `users/me/preferences` is that of `caller`.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` or `INVALID_NAME` on `field`.
    pub fn parse(field: &str, name: &str, caller: &str) -> Result<Self, Violation> {
        match segments::<3>(field, name, Self::PATTERN)? {
            ["users", user, "preferences"] => UserId::decode(field, user, caller).map(|user| Self { user }),
            _ => Err(malformed(field, name, Self::PATTERN)),
        }
    }
}

impl fmt::Display for PreferencesName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/preferences", self.user)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SPIFFE: &str = "spiffe://cluster.local/ns/a/sa/b";

    #[test]
    fn every_encoding_of_a_user_is_read_and_one_is_written() {
        let user = UserId::new("name", SPIFFE).unwrap();
        let written = "users/spiffe%3A%2F%2Fcluster.local%2Fns%2Fa%2Fsa%2Fb";
        assert_eq!(user.to_string(), written);
        for text in [
            written,
            "users/spiffe:%2f%2Fcluster.local%2fns%2Fa%2Fsa%2F%62",
            "users/me",
        ] {
            assert_eq!(UserId::parse("parent", text, SPIFFE), Ok(user.clone()), "{text}");
        }
        let name = format!("{written}/preferences");
        let parsed = PreferencesName::parse("name", &name, "other");
        assert_eq!(parsed.map(|name| name.to_string()), Ok(name));
        assert_eq!(user.subject(), format!("user:{SPIFFE}"));
    }

    #[test]
    fn names_that_look_like_others_are_refused() {
        for unseen in [
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200f}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2064}',
            '\u{2066}',
            '\u{206f}',
            '\u{feff}',
            '\u{e0041}',
            '\u{2028}',
            '\u{2029}',
            '\u{34f}',
            '\u{115f}',
            '\u{180b}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{ffa0}',
            '\u{e0100}',
        ] {
            for name in [format!("ada{unseen}"), format!("a{unseen}da"), format!("{unseen}ada")] {
                assert!(UserId::new("name", &name).is_err(), "{name:?}");
            }
        }
        for blank in [' ', '\u{a0}', '\u{2003}', '\u{3000}'] {
            for name in [format!("ada{blank}"), format!("{blank}ada"), blank.to_string()] {
                assert!(UserId::new("name", &name).is_err(), "{name:?}");
            }
        }
        for name in ["Ada Lovelace", "ádá", "愛", "a\u{301}", "🚀"] {
            assert!(UserId::new("name", name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn a_name_begins_with_what_a_name_may_have() {
        let longest = "x".repeat(MAX_USER_BYTES - 1);
        for text in ["", "k8s:", "team ", "Ada Lovelace", &longest] {
            assert!(can_begin_name(text), "{text:?}");
        }
        let secret = format!("psh_{}", "a".repeat(60));
        for text in [
            " ",
            " k8s:",
            "\u{200b}",
            "k8s\u{200b}:",
            "a\n",
            &format!("{longest}x"),
            &secret,
        ] {
            assert!(!can_begin_name(text), "{text:?}");
        }
    }

    #[test]
    fn broken_names_are_refused_with_their_field() {
        let longest = "x".repeat(MAX_USER_BYTES);
        assert!(UserId::parse("parent", &format!("users/{longest}"), "").is_ok());
        for text in [
            "",
            "me",
            "users",
            "users/",
            "users/a/b",
            "users/%",
            "users/%4",
            "users/%zz",
            "users/%+1",
            "users/%ff",
            "users/%00",
            "users/a%0Ab",
            "users/a%E2%80%8B",
            "projects/a",
            &format!("users/{longest}x"),
        ] {
            let refused = UserId::parse("parent", text, "a").map_err(|violation| violation.field);
            assert_eq!(refused, Err("parent".to_owned()), "{text}");
        }
        for text in [
            "users/a",
            "users//preferences",
            "users/a/preferences/",
            "users/a/settings",
        ] {
            assert!(PreferencesName::parse("name", text, "a").is_err(), "{text}");
        }
        assert!(UserId::parse("parent", "users/me", &format!("{longest}x")).is_err());
    }

    proptest! {
        #[test]
        fn users_round_trip(text in "\\PC{1,40}") {
            let name = text.trim();
            prop_assume!(!name.is_empty() && !name.chars().any(is_unseen));
            let user = UserId::new("name", name).unwrap();
            // The one user that others can't name.
            prop_assume!(name != ME);
            prop_assert_eq!(UserId::parse("name", &user.to_string(), "other"), Ok(user));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "(users/)?[a-z%/0-9]{0,20}(/preferences)?|\\PC{0,30}") {
            if let Ok(name) = PreferencesName::parse("name", &text, "caller") {
                prop_assert_eq!(PreferencesName::parse("name", &name.to_string(), "caller"), Ok(name));
            }
        }
    }
}
