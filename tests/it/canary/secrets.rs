//! Secrets in all the spellings that they could leak in, and what is searched for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use data_encoding::HEXLOWER;
use tokio_postgres::Client;

/// The shortest part of a token that counts: what is shorter is met by chance, or says nothing.
const TOKEN_PART: usize = 40;

/// The lines of a private key, as PEM, that have secret bytes; later ones hold the public key.
const PRIVATE_LINES: usize = 2;

/// How much of a text is shown before a secret, and from there on.
const BEFORE: usize = 300;
const AFTER: usize = 20;

/// Large enough that few of a million texts that are no secrets look as if they began one.
const SLOT_BITS: u32 = 18;

/// Something that nobody may read but where it is meant to be.
pub struct Secret {
    name: String,
    /// Each of them gives it away.
    spellings: Vec<String>,
}

impl Secret {
    /// A text, also as bytes are written.
    pub fn text(name: &str, text: &str) -> Self {
        Self {
            name: name.into(),
            spellings: spellings(text),
        }
    }

    /// A token: a part of its claims is enough, or of its signature. Without that one, nobody else can use it.
    pub fn token(token: &str) -> [Self; 2] {
        let mut parts = token.split('.').skip(1);
        ["the claims of a bearer token", "the signature of a bearer token"].map(|name| Self {
            name: name.into(),
            spellings: parts
                .next()
                .and_then(|part| part.get(..TOKEN_PART))
                .map_or_else(Vec::new, spellings),
        })
    }

    /// A private key, by each line of its PEM and the bytes in it.
    pub fn key(name: &str, pem: &str) -> Self {
        let body = pem.lines().filter(|line| !line.starts_with("-----"));
        let spellings = body.take(PRIVATE_LINES).flat_map(|line| {
            let bytes = STANDARD_NO_PAD.decode(line.trim_end_matches('=')).unwrap();
            [line.to_owned(), HEXLOWER.encode(&bytes), decimal(&bytes)]
        });
        Self {
            name: name.into(),
            spellings: spellings.collect(),
        }
    }
}

/// A text as it is, in hexadecimal digits as bytes of PostgreSQL are shown, as a list of numbers as those of Rust are, and
/// in base64, wherever it begins in what is encoded.
fn spellings(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut all = vec![text.to_owned(), HEXLOWER.encode(bytes), decimal(bytes)];
    for begin in 0..3 {
        let whole = (bytes.len() - begin) / 3 * 3;
        all.push(STANDARD_NO_PAD.encode(&bytes[begin..begin + whole]));
    }
    all
}

fn decimal(bytes: &[u8]) -> String {
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    numbers.join(", ")
}

/// Where which secret was found.
pub struct Search<'a> {
    index: Index<'a>,
    /// `secret in place`, and an example of it.
    found: BTreeMap<String, String>,
}

impl<'a> Search<'a> {
    /// Nothing was searched yet.
    pub fn new(secrets: &'a [Secret]) -> Self {
        Self {
            index: Index::new(secrets),
            found: BTreeMap::new(),
        }
    }

    /// Searches a text.
    pub fn text(&mut self, place: &str, text: &str) {
        for (name, position) in self.index.secrets_in(text) {
            let around = position.saturating_sub(BEFORE)..(position + AFTER).min(text.len());
            let example = || String::from_utf8_lossy(&text.as_bytes()[around]).into_owned();
            self.found.entry(format!("{name} in {place}")).or_insert_with(example);
        }
    }

    /// Searches every column of every table: how many there are.
    pub async fn database(&mut self, sql: &Client) -> usize {
        let columns = "SELECT quote_ident(relname), quote_ident(attname)
            FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
            WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
                AND attnum > 0 AND NOT attisdropped ORDER BY 1, 2";
        let columns = sql.query(columns, &[]).await.unwrap();
        let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for column in &columns {
            tables.entry(column.get(0)).or_default().push(column.get(1));
        }
        for (table, names) in tables {
            // Most tables of most databases have nothing, which is found out at once.
            let rows = texts(sql, &format!("SELECT whole::text FROM {table} AS whole")).await;
            if rows.iter().all(|row| self.index.secrets_in(row).is_empty()) {
                continue;
            }
            for name in names {
                let place = format!("{table}.{name}");
                self.answers(sql, &place, &format!("SELECT {name}::text FROM {table}"))
                    .await;
            }
        }
        columns.len()
    }

    /// Searches the answers to a statement.
    pub async fn answers(&mut self, sql: &Client, place: &str, statement: &str) {
        for text in texts(sql, statement).await {
            self.text(place, &text);
        }
    }

    /// Everything that was found, as `secret in place`, with an example.
    pub fn found(self) -> BTreeMap<String, String> {
        self.found
    }
}

/// The first column of the answers, where they have any.
async fn texts(sql: &Client, statement: &str) -> Vec<String> {
    let rows = sql.query(statement, &[]).await.unwrap();
    rows.iter().filter_map(|row| row.get(0)).collect()
}

/// Spellings by their first bytes, so that many are found in one pass.
struct Index<'a> {
    /// Whether a spelling may begin so; false for most of what is no secret.
    may_begin: Vec<bool>,
    /// Spellings, with the secrets that they give away.
    by_beginning: HashMap<Beginning, BTreeSet<(&'a str, &'a str)>>,
}

type Beginning = [u8; 4];

impl<'a> Index<'a> {
    fn new(secrets: &'a [Secret]) -> Self {
        let mut index = Self {
            may_begin: vec![false; 1 << SLOT_BITS],
            by_beginning: HashMap::new(),
        };
        for secret in secrets {
            for spelling in &secret.spellings {
                let beginning = *spelling.as_bytes().first_chunk().expect("a secret is longer");
                index.may_begin[slot(beginning)] = true;
                let same = index.by_beginning.entry(beginning).or_default();
                same.insert((spelling, &secret.name));
            }
        }
        index
    }

    /// The secrets in a text, each with a place where it is.
    fn secrets_in(&self, text: &str) -> BTreeMap<&'a str, usize> {
        let bytes = text.as_bytes();
        let mut found = BTreeMap::new();
        for (position, window) in bytes.windows(size_of::<Beginning>()).enumerate() {
            let beginning = [window[0], window[1], window[2], window[3]];
            if !self.may_begin[slot(beginning)] {
                continue;
            }
            for (spelling, name) in self.by_beginning.get(&beginning).into_iter().flatten() {
                if bytes[position..].starts_with(spelling.as_bytes()) {
                    found.insert(*name, position);
                }
            }
        }
        found
    }
}

fn slot(beginning: Beginning) -> usize {
    // Fibonacci hashing.
    let hash = u32::from_ne_bytes(beginning).wrapping_mul(0x9e37_79b1);
    (hash >> (u32::BITS - SLOT_BITS)) as usize
}

#[test]
fn secrets_are_found_in_every_spelling_and_parts_of_tokens_are() {
    let (claims, signature) = ("c".repeat(60), "s".repeat(60));
    let [token, sealed] = Secret::token(&format!("header.{claims}.{signature}"));
    let secrets = [
        Secret::text("password", "kanarienvogel"),
        token,
        sealed,
        Secret::key(
            "key",
            "-----BEGIN PRIVATE KEY-----\nQUJDRA==\n-----END PRIVATE KEY-----\n",
        ),
    ];
    for (text, expected) in [
        ("a kanarienvogel flew", "password in it"),
        ("\\x00 6b616e617269656e766f67656c", "password in it"),
        (
            "[107, 97, 110, 97, 114, 105, 101, 110, 118, 111, 103, 101, 108]",
            "password in it",
        ),
        (&STANDARD_NO_PAD.encode("kanarienvogel!"), "password in it"),
        (&STANDARD_NO_PAD.encode("1kanarienvogel!"), "password in it"),
        (&STANDARD_NO_PAD.encode("12kanarienvogel!"), "password in it"),
        (&claims[..50], "the claims of a bearer token in it"),
        (&format!("..{signature}"), "the signature of a bearer token in it"),
        ("QUJDRA==", "key in it"),
        ("41424344", "key in it"),
    ] {
        let mut search = Search::new(&secrets);
        search.text("it", text);
        assert_eq!(search.found().into_keys().collect::<Vec<_>>(), [expected], "{text}");
    }
    let mut search = Search::new(&secrets);
    search.text("it", "a canary flew, header. and all");
    assert_eq!(search.found(), BTreeMap::new());
}
