//! Secrets in all the spellings that they could leak in, and what is searched for them.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio_postgres::Client;

/// The shortest part of a token that counts: what is shorter is met by chance, or says nothing.
const TOKEN_PART: usize = 40;

/// The lines of a private key, as PEM, that have secret bytes; later ones hold the public key.
const PRIVATE_LINES: usize = 2;

/// Something that nobody may read but where it is meant to be.
pub struct Secret {
    name: &'static str,
    /// Each of them gives it away.
    spellings: Vec<String>,
}

impl Secret {
    /// A text, also as bytes are written.
    pub fn text(name: &'static str, text: &str) -> Self {
        Self {
            name,
            spellings: spellings(text),
        }
    }

    /// Tokens, by their claims and their signatures: a part of one is enough.
    pub fn tokens(name: &'static str, tokens: &[&str]) -> Self {
        let parts = tokens.iter().flat_map(|token| token.split('.').skip(1));
        let beginnings = parts.map(|part| &part[..TOKEN_PART]);
        Self {
            name,
            spellings: beginnings.flat_map(spellings).collect(),
        }
    }

    /// A private key, by each line of its PEM and the bytes in it.
    pub fn key(name: &'static str, pem: &str) -> Self {
        let body = pem.lines().filter(|line| !line.starts_with("-----"));
        let spellings = body.take(PRIVATE_LINES).flat_map(|line| {
            let bytes = STANDARD_NO_PAD.decode(line.trim_end_matches('=')).unwrap();
            [line.to_owned(), hex::encode(&bytes), decimal(&bytes)]
        });
        Self {
            name,
            spellings: spellings.collect(),
        }
    }
}

/// A text as it is, in hexadecimal digits as bytes of PostgreSQL are shown, as a list of numbers as those of Rust are, and
/// in base64, wherever it begins in what is encoded.
fn spellings(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut all = vec![text.to_owned(), hex::encode(bytes), decimal(bytes)];
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

/// Where which secret was found, as `secret in place`.
pub struct Search<'a> {
    secrets: &'a [Secret],
    found: BTreeSet<String>,
}

impl<'a> Search<'a> {
    /// Nothing was searched yet.
    pub fn new(secrets: &'a [Secret]) -> Self {
        let found = BTreeSet::new();
        Self { secrets, found }
    }

    /// Searches a text.
    pub fn text(&mut self, place: &str, text: &str) {
        for secret in self.secrets {
            if secret.spellings.iter().any(|spelling| text.contains(spelling)) {
                self.found.insert(format!("{} in {place}", secret.name));
            }
        }
    }

    /// Searches every column of every table, and the statements of everybody who is connected.
    pub async fn database(&mut self, sql: &Client) {
        let columns = "SELECT quote_ident(table_name), quote_ident(column_name)
            FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2";
        let columns = sql.query(columns, &[]).await.unwrap();
        assert!(columns.len() > 100, "only {} columns", columns.len());
        for column in columns {
            let (table, name): (String, String) = (column.get(0), column.get(1));
            let place = format!("{table}.{name}");
            self.column(sql, &place, &format!("SELECT {name}::text FROM {table}"))
                .await;
        }
        self.column(sql, "pg_stat_activity", "SELECT query FROM pg_stat_activity")
            .await;
    }

    async fn column(&mut self, sql: &Client, place: &str, statement: &str) {
        for row in sql.query(statement, &[]).await.unwrap() {
            if let Some(text) = row.get::<_, Option<&str>>(0) {
                self.text(place, text);
            }
        }
    }

    /// Everything that was found.
    pub fn found(self) -> Vec<String> {
        self.found.into_iter().collect()
    }
}

#[test]
fn secrets_are_found_in_every_spelling_and_parts_of_tokens_are() {
    let (claims, signature) = ("c".repeat(60), "s".repeat(60));
    let secrets = [
        Secret::text("password", "kanarienvogel"),
        Secret::tokens("token", &[&format!("header.{claims}.{signature}")]),
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
        (&claims[..50], "token in it"),
        (&format!("..{signature}"), "token in it"),
        ("QUJDRA==", "key in it"),
        ("41424344", "key in it"),
    ] {
        let mut search = Search::new(&secrets);
        search.text("it", text);
        assert_eq!(search.found(), [expected], "{text}");
    }
    let mut search = Search::new(&secrets);
    search.text("it", "a canary flew, header. and all");
    assert_eq!(search.found(), [""; 0]);
}
