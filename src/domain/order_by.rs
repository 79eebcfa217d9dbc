//! The `order_by` of lists: one key, up or down (AIP-132).
//!
//! Which columns that means belongs to the store; how a page goes on within an order, to [`super::page`].

use std::fmt;

use super::reason::Reason;
use super::violation::{Violation, quoted};

/// The order of a list, of dashboards unless it says otherwise. By name, upwards, unless the caller says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OrderBy<K = OrderKey> {
    /// What is compared.
    pub key: K,
    /// Which end comes first.
    pub direction: Direction,
}

/// What the lists of one kind of resource can be ordered by; the default is by name.
pub trait Key: Copy + Default + 'static {
    /// Every key.
    const ALL: &'static [Self];

    /// The key as written in `order_by`.
    fn as_str(self) -> &'static str;
}

/// What a list of dashboards is ordered by. Equal ones follow each other by uid, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrderKey {
    /// The resource name: by project, then by the dashboard's id, bytewise.
    #[default]
    Name,
    /// The display name, bytewise.
    DisplayName,
    /// The time of creation.
    CreateTime,
    /// The time of the last change.
    UpdateTime,
}

/// What a list of templates is ordered by. Equal ones follow each other by uid, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TemplateOrderKey {
    /// The resource name, bytewise: those of projects before those that come with the service.
    #[default]
    Name,
    /// The display name, bytewise.
    DisplayName,
    /// The time of creation.
    CreateTime,
    /// The time of the last change.
    UpdateTime,
    /// How many dashboards came from it.
    UsageCount,
}

/// What a list of share links is ordered by. Equal ones follow each other by id, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShareLinkOrderKey {
    /// The time of creation.
    #[default]
    CreateTime,
}

/// What a list of audit events is ordered by. Equal ones follow each other by id, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditOrderKey {
    /// When it happened.
    #[default]
    Time,
}

/// Which end of an order comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// The smallest, the oldest.
    #[default]
    Ascending,
    /// The largest, the newest.
    Descending,
}

impl<K: Key> OrderBy<K> {
    /// Parses `key`, `key asc` or `key desc`; blank is the default order. White space between words does not count.
    ///
    /// # Errors
    /// `INVALID_ORDER_BY` on `field` for an unknown key or direction, and for more than one key.
    pub fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        let refused = |description: String| Err(Violation::new(field, Reason::InvalidOrderBy, description));
        if text.contains(',') {
            return refused("takes one key only".into());
        }
        let mut words = text.split_whitespace();
        let Some(key) = words.next() else {
            return Ok(Self::default());
        };
        let Some(key) = K::ALL.iter().copied().find(|known| known.as_str() == key) else {
            let allowed: Vec<&str> = K::ALL.iter().map(|known| known.as_str()).collect();
            return refused(format!("{} is not one of the keys {}", quoted(key), allowed.join(", ")));
        };
        let direction = match words.next() {
            None | Some("asc") => Direction::Ascending,
            Some("desc") => Direction::Descending,
            Some(other) => return refused(format!("{} is neither asc nor desc", quoted(other))),
        };
        match words.next() {
            None => Ok(Self { key, direction }),
            Some(_) => refused("ends after the key and asc or desc".into()),
        }
    }
}

impl<K: Key> fmt::Display for OrderBy<K> {
    /// Writes the one form that every spelling of the same order has: what a page token is bound to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Ascending => "asc",
            Direction::Descending => "desc",
        };
        write!(f, "{} {direction}", self.key.as_str())
    }
}

impl Key for OrderKey {
    const ALL: &'static [Self] = &[Self::Name, Self::DisplayName, Self::CreateTime, Self::UpdateTime];

    fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::DisplayName => "display_name",
            Self::CreateTime => "create_time",
            Self::UpdateTime => "update_time",
        }
    }
}

impl Key for AuditOrderKey {
    const ALL: &'static [Self] = &[Self::Time];

    fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
        }
    }
}

impl Key for TemplateOrderKey {
    const ALL: &'static [Self] = &[
        Self::Name,
        Self::DisplayName,
        Self::CreateTime,
        Self::UpdateTime,
        Self::UsageCount,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::DisplayName => "display_name",
            Self::CreateTime => "create_time",
            Self::UpdateTime => "update_time",
            Self::UsageCount => "usage_count",
        }
    }
}

impl Key for ShareLinkOrderKey {
    const ALL: &'static [Self] = &[Self::CreateTime];

    fn as_str(self) -> &'static str {
        match self {
            Self::CreateTime => "create_time",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn orders_have_one_form() {
        for (text, form) in [
            ("", "name asc"),
            ("  ", "name asc"),
            ("name", "name asc"),
            ("display_name asc", "display_name asc"),
            ("create_time desc", "create_time desc"),
            (" update_time\t  desc ", "update_time desc"),
        ] {
            let order = OrderBy::<OrderKey>::parse("order_by", text);
            assert_eq!(order.map(|order| order.to_string()), Ok(form.to_owned()), "{text}");
        }
    }

    #[test]
    fn unknown_and_several_keys_are_refused() {
        for (text, description) in [
            (
                "title",
                "\"title\" is not one of the keys name, display_name, create_time, update_time",
            ),
            (
                "Name",
                "\"Name\" is not one of the keys name, display_name, create_time, update_time",
            ),
            ("name down", "\"down\" is neither asc nor desc"),
            ("name DESC", "\"DESC\" is neither asc nor desc"),
            ("name desc desc", "ends after the key and asc or desc"),
            ("name, create_time", "takes one key only"),
            ("name desc,", "takes one key only"),
            (
                "-name",
                "\"-name\" is not one of the keys name, display_name, create_time, update_time",
            ),
        ] {
            let expected = Violation::new("order_by", Reason::InvalidOrderBy, description);
            assert_eq!(OrderBy::<OrderKey>::parse("order_by", text), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_accepted_again_in_its_one_form(text in "(name|create_time|usage_count|x)?[ ,]{0,2}(asc|desc|y)?") {
            if let Ok(order) = OrderBy::<TemplateOrderKey>::parse("order_by", &text) {
                prop_assert_eq!(OrderBy::parse("order_by", &order.to_string()), Ok(order));
            }
        }
    }
}
