use proptest::prelude::*;

use super::*;
use crate::domain::order_by::{Direction, Key as _};

const QUERY: PagedQuery<'static> = PagedQuery {
    method: "ListDashboards",
    parent: "projects/-",
    filter: "tags:ml",
    order: ordered_by(OrderKey::DisplayName),
    show_deleted: false,
};

const fn ordered_by(key: OrderKey) -> PageOrder {
    PageOrder::Dashboards(OrderBy {
        key,
        direction: Direction::Descending,
    })
}

const fn templates_by(key: TemplateOrderKey) -> PageOrder {
    PageOrder::Templates(OrderBy {
        key,
        direction: Direction::Ascending,
    })
}

fn token(cursor: Cursor, query: &PagedQuery<'_>) -> String {
    PageBinding::new(query).next_token(Some(&cursor))
}

fn decode(token: &str, query: &PagedQuery<'_>) -> Result<Option<Cursor>, Reason> {
    let parsed = PageBinding::new(query).parse_token("page_token", token);
    parsed.map_err(|violation| violation.reason)
}

fn by_display_name(display_name: &str) -> Cursor {
    Cursor::DisplayName {
        display_name: display_name.into(),
        uid: Uuid::from_u128(7),
    }
}

#[test]
fn page_sizes_have_a_default_and_a_maximum() {
    for (wish, size) in [(0, 50), (1, 1), (500, 500), (501, 500), (i32::MAX, 500)] {
        assert_eq!(PageSize::parse("page_size", wish).map(PageSize::get), Ok(size));
    }
    for wish in [-1, i32::MIN] {
        let refused = PageSize::parse("page_size", wish).map_err(|violation| violation.reason);
        assert_eq!(refused, Err(Reason::FieldOutOfRange));
    }
}

#[test]
fn the_form_stays_as_it_is() {
    let token = token(by_display_name("GPU"), &QUERY);
    let form =
        "AT6IxxWiym8-4_B7gfDA0yd7ImRpc3BsYXlfbmFtZSI6WyJHUFUiLCIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDciXX0";
    assert_eq!(token, form);
}

#[test]
fn every_cursor_round_trips_in_its_own_order_alone() {
    let time = OffsetDateTime::UNIX_EPOCH + time::Duration::microseconds(1_800_000_000_123_456);
    let uid = Uuid::from_u128(u128::MAX);
    let name = DashboardName::parse("name", "projects/p/dashboards/d").unwrap();
    let template = TemplateName::parse("name", "templates/t").unwrap();
    let cursors = [
        (ordered_by(OrderKey::Name), Cursor::Name(name)),
        (ordered_by(OrderKey::DisplayName), by_display_name("")),
        (ordered_by(OrderKey::CreateTime), Cursor::CreateTime { time, uid }),
        (ordered_by(OrderKey::UpdateTime), Cursor::UpdateTime { time, uid }),
        (PageOrder::NewestRevisionFirst, Cursor::Revision(i32::MAX)),
        (PageOrder::FavoritesAsAdded, Cursor::Favorite(i64::MAX)),
        (PageOrder::LastViewedFirst, Cursor::ViewTime { time, uid }),
        (
            PageOrder::AuditEvents(OrderBy::default()),
            Cursor::EventTime { time, uid },
        ),
        (PageOrder::NewestSealFirst, Cursor::Seal(i64::MAX)),
        (templates_by(TemplateOrderKey::Name), Cursor::TemplateName(template)),
        (
            templates_by(TemplateOrderKey::UsageCount),
            Cursor::UsageCount { count: 7, uid },
        ),
    ];
    for (order, _) in &cursors {
        for (own_order, cursor) in &cursors {
            let query = PagedQuery { order: *order, ..QUERY };
            let expected = if order == own_order {
                Ok(Some(cursor.clone()))
            } else {
                Err(Reason::InvalidPageToken)
            };
            assert_eq!(
                decode(&token(cursor.clone(), &query), &query),
                expected,
                "{order} {cursor:?}"
            );
        }
    }
    assert_eq!(decode("", &QUERY), Ok(None));
    assert_eq!(PageBinding::new(&QUERY).next_token(None), "");
}

#[test]
fn tokens_of_other_queries_are_refused() {
    let token = token(by_display_name("GPU"), &QUERY);
    assert!(decode(&token, &QUERY).is_ok());
    let ascending = PageOrder::Dashboards(OrderBy {
        key: OrderKey::DisplayName,
        direction: Direction::Ascending,
    });
    for other in [
        PagedQuery {
            method: "ListTemplates",
            ..QUERY
        },
        PagedQuery {
            parent: "projects/p",
            ..QUERY
        },
        PagedQuery { filter: "", ..QUERY },
        PagedQuery {
            parent: "projects/-t",
            filter: "ags:ml",
            ..QUERY
        },
        PagedQuery {
            order: ascending,
            ..QUERY
        },
        PagedQuery {
            show_deleted: true,
            ..QUERY
        },
    ] {
        assert_eq!(decode(&token, &other), Err(Reason::InvalidPageToken), "{other:?}");
    }
}

#[test]
fn damaged_tokens_are_refused() {
    let token = token(by_display_name("GPU"), &QUERY);
    let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let refused = decode(&URL_SAFE_NO_PAD.encode(damaged), &QUERY);
        assert_eq!(refused, Err(Reason::InvalidPageToken), "bit {bit}");
    }
    for length in 1..token.len() {
        assert_eq!(
            decode(&token[..length], &QUERY),
            Err(Reason::InvalidPageToken),
            "{length}"
        );
    }
    for foreign in [
        &format!("{token}A"),
        &format!("{token}="),
        &format!(" {token}"),
        "AQ",
        "*",
        "ü",
    ] {
        assert_eq!(decode(foreign, &QUERY), Err(Reason::InvalidPageToken), "{foreign}");
    }
}

#[test]
fn forged_positions_are_refused() {
    let uid = Uuid::nil();
    for (order, position) in [
        (OrderKey::Name, json!({ "name": ["-", "d"] })),
        (OrderKey::Name, json!({ "name": ["p", "d", "x"] })),
        (OrderKey::Name, json!({ "name": ["p", "d"], "revision": 1 })),
        (OrderKey::DisplayName, json!({ "display_name": ["\0", uid] })),
        (OrderKey::DisplayName, json!({ "display_name": ["x", "y"] })),
        (OrderKey::CreateTime, json!({ "create_time": [-1, uid] })),
        (OrderKey::UpdateTime, json!({ "update_time": [i64::MAX, uid] })),
        (OrderKey::Name, json!({ "name": null })),
        (OrderKey::Name, json!([])),
    ] {
        let order = ordered_by(order);
        let query = PagedQuery { order, ..QUERY };
        assert_eq!(
            decode(&forge(&position.to_string(), &query), &query),
            Err(Reason::InvalidPageToken),
            "{position}"
        );
    }
    let order = PageOrder::NewestRevisionFirst;
    let query = PagedQuery { order, ..QUERY };
    assert_eq!(
        decode(&forge("{\"revision\":0}", &query), &query),
        Err(Reason::InvalidPageToken)
    );
    let seals = PagedQuery {
        order: PageOrder::NewestSealFirst,
        ..QUERY
    };
    assert_eq!(
        decode(&forge("{\"seal\":0}", &seals), &seals),
        Err(Reason::InvalidPageToken)
    );
    assert_eq!(
        decode(&forge("{\"revision\":1}", &query), &query),
        Ok(Some(Cursor::Revision(1)))
    );
}

/// A token with a valid seal over any text.
fn forge(cursor: &str, query: &PagedQuery<'_>) -> String {
    let seal = PageBinding::new(query).seal(cursor.as_bytes());
    URL_SAFE_NO_PAD.encode([&[PageBinding::VERSION], seal.as_slice(), cursor.as_bytes()].concat())
}

proptest! {
    #[test]
    fn display_names_round_trip(display_name in "[^\0]{0,30}") {
        let cursor = by_display_name(&display_name);
        prop_assert_eq!(decode(&token(cursor.clone(), &QUERY), &QUERY), Ok(Some(cursor)));
    }

    #[test]
    fn times_round_trip(microseconds in 0..253_402_300_799_999_999_i64, uid in any::<u128>()) {
        let time = from_microseconds(microseconds).unwrap();
        let cursor = Cursor::CreateTime { time, uid: Uuid::from_u128(uid) };
        let query = PagedQuery { order: ordered_by(OrderKey::CreateTime), ..QUERY };
        prop_assert_eq!(decode(&token(cursor.clone(), &query), &query), Ok(Some(cursor)));
    }

    #[test]
    fn foreign_text_is_refused(text in "[A-Za-z0-9_-]{1,60}|\\PC{1,40}") {
        prop_assert_eq!(decode(&text, &QUERY), Err(Reason::InvalidPageToken));
    }

    #[test]
    fn no_sealed_text_panics(text in "\\{\"(name|display_name|create_time|revision)\":[\\[\\]0-9\",a-z{}-]{0,20}|\\PC{0,20}") {
        for key in OrderKey::ALL.iter().copied() {
            let query = PagedQuery { order: ordered_by(key), ..QUERY };
            if let Ok(Some(cursor)) = decode(&forge(&text, &query), &query) {
                prop_assert_eq!(decode(&token(cursor.clone(), &query), &query), Ok(Some(cursor)));
            }
        }
    }
}
