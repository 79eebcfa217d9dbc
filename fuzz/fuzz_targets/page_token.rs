//! Page tokens: foreign ones are refused; a forged one, with a valid seal over any cursor, is refused or as good as an
//! honest one.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dashboard_store_fuzz::domain::order_by::{Direction, Key as _, OrderBy, OrderKey};
use dashboard_store_fuzz::domain::page::{Cursor, PageBinding, PageOrder, PagedQuery};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest as _, Sha256};

fuzz_target!(|input: (u8, &str)| {
    let (order, text) = input;
    let query = PagedQuery {
        method: "ListDashboards",
        parent: "projects/p",
        filter: "",
        order: order_of(order),
        show_deleted: false,
    };
    let binding = PageBinding::new(&query);
    check_forgery(&query);
    for token in [text.to_owned(), forge(text, &query)] {
        if let Ok(Some(cursor)) = binding.parse_token("page_token", &token) {
            let honest = binding.next_token(Some(&cursor));
            assert_eq!(binding.parse_token("page_token", &honest), Ok(Some(cursor)));
        }
    }
});

/// The orders of lists that have one alone.
const FIXED_ORDERS: [PageOrder; 5] = [
    PageOrder::NewestSealFirst,
    PageOrder::NewestRevisionFirst,
    PageOrder::FavoritesAsAdded,
    PageOrder::LastViewedFirst,
    PageOrder::GrantsBySubject,
];

fn order_of(choice: u8) -> PageOrder {
    let keys = OrderKey::ALL;
    let position = usize::from(choice) % (keys.len() + FIXED_ORDERS.len());
    match keys.get(position) {
        Some(key) => PageOrder::Dashboards(OrderBy {
            key: *key,
            direction: Direction::Ascending,
        }),
        None => FIXED_ORDERS[position - keys.len()],
    }
}

/// Writes a token as the service does, but over any text.
fn forge(cursor: &str, query: &PagedQuery<'_>) -> String {
    const VERSION: [u8; 1] = [1];
    let order = query.order.to_string();
    let mut binding = Sha256::new();
    for part in [query.method, query.parent, query.filter, &order, ""] {
        binding.update((part.len() as u64).to_be_bytes());
        binding.update(part);
    }
    let seal = Sha256::new()
        .chain_update(VERSION)
        .chain_update(binding.finalize())
        .chain_update(cursor)
        .finalize();
    URL_SAFE_NO_PAD.encode([&VERSION, &seal[..16], cursor.as_bytes()].concat())
}

/// Fails when the form of tokens has changed and [`forge`] has not: it would never get past the seal.
fn check_forgery(query: &PagedQuery<'_>) {
    let query = PagedQuery {
        order: PageOrder::NewestRevisionFirst,
        ..*query
    };
    let honest = PageBinding::new(&query).next_token(Some(&Cursor::Revision(7)));
    assert_eq!(forge("{\"revision\":7}", &query), honest);
}
