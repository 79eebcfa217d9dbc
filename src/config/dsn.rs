//! `DATABASE_URL`: a PostgreSQL connection URI, or libpq's `key=value` text.
//!
//! tokio-postgres has a parser, but it refuses `sslmode=verify-full` and the certificates, which are what a URL in
//! production carries. <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING> is the reference.

use percent_encoding::percent_decode_str;
use secrecy::SecretString;

/// The parameters that are taken.
const TAKEN: [&str; 11] = [
    "host",
    "port",
    "dbname",
    "user",
    "password",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "target_session_attrs",
    "application_name",
];

/// What others write into such a text. A parameter of any other name may be a piece of a password that `?` or a blank has cut.
const NOT_TAKEN: [&str; 27] = [
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "fallback_application_name",
    "gssencmode",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "options",
    "passfile",
    "pool_max_conns",
    "replication",
    "require_auth",
    "requirepeer",
    "schema",
    "search_path",
    "service",
    "sslcertmode",
    "sslcrl",
    "sslnegotiation",
    "sslpassword",
    "sslsni",
    "tcp_user_timeout",
];

/// What helps where a part of a password is taken for something else. No such part is ever repeated.
const ENCODE: &str =
    "in the user and the password of a URL percent-encode what is special: / as %2F, ? as %3F, @ as %40, % as %25";

/// What a connection text says; nothing is filled in.
#[derive(Debug, Default)]
pub(super) struct Dsn {
    /// Hosts and their ports, in order.
    pub(super) hosts: Vec<(String, Option<u16>)>,
    pub(super) dbname: Option<String>,
    pub(super) user: Option<String>,
    pub(super) password: Option<SecretString>,
    pub(super) sslmode: Option<String>,
    pub(super) sslrootcert: Option<String>,
    pub(super) sslcert: Option<String>,
    pub(super) sslkey: Option<String>,
}

impl Dsn {
    /// Parses either form. What is wrong is told without repeating the text, which can hold a password.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let uri = text
            .strip_prefix("postgres://")
            .or_else(|| text.strip_prefix("postgresql://"));
        let parameters = match uri {
            Some(rest) => uri_parameters(rest)?,
            None => keyword_parameters(text)?,
        };
        Self::from_parameters(parameters)
    }

    fn from_parameters(parameters: Vec<(String, String)>) -> Result<Self, String> {
        let mut dsn = Self::default();
        let mut hosts = Vec::new();
        let mut ports = Vec::new();
        for (key, value) in parameters {
            match key.as_str() {
                "host" => hosts = list(&value),
                "port" => ports = list(&value),
                "dbname" => dsn.dbname = Some(value),
                "user" => dsn.user = Some(value),
                "password" => dsn.password = Some(SecretString::from(value)),
                "sslmode" => dsn.sslmode = Some(value),
                "sslrootcert" => dsn.sslrootcert = Some(value),
                "sslcert" => dsn.sslcert = Some(value),
                "sslkey" => dsn.sslkey = Some(value),
                // We always ask for this one, and for a name of our own.
                "target_session_attrs" if value == "read-write" || value == "any" => {}
                "application_name" => {}
                known if is_known(known) => return Err(format!("the parameter {known:?} is not supported: remove it")),
                _ => {
                    return Err(format!(
                        "a parameter is none of {}: remove it, or {ENCODE}",
                        TAKEN.join(", ")
                    ));
                }
            }
        }
        dsn.hosts = with_ports(hosts, &ports)?;
        Ok(dsn)
    }
}

fn is_known(key: &str) -> bool {
    TAKEN.contains(&key) || NOT_TAKEN.contains(&key)
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(|element| element.trim().to_owned()).collect()
}

/// Gives each host its port: one port is for all of them, an empty one is the default.
fn with_ports(hosts: Vec<String>, ports: &[String]) -> Result<Vec<(String, Option<u16>)>, String> {
    if ports.len() > 1 && ports.len() != hosts.len() {
        return Err(format!(
            "there are {} hosts and {} ports: give one port, or one for each host",
            hosts.len(),
            ports.len()
        ));
    }
    let port_of = |index: usize| match ports.get(index).or_else(|| ports.first()).map(String::as_str) {
        None | Some("") => Ok(None),
        Some(port) => match port.parse::<u16>() {
            Ok(parsed) if parsed > 0 => Ok(Some(parsed)),
            _ => Err(format!("a port is no number from 1 to 65535: correct it, or {ENCODE}")),
        },
    };
    hosts
        .into_iter()
        .enumerate()
        .map(|(index, host)| port_of(index).map(|port| (host, port)))
        .collect()
}

/// Takes `user:password@host:port,host:port/dbname?key=value` apart.
fn uri_parameters(rest: &str) -> Result<Vec<(String, String)>, String> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, dbname) = rest.split_once('/').unwrap_or((rest, ""));
    // What stands before the slash is then most often not the host, but the beginning of a password.
    if dbname.contains('@') {
        return Err(format!("there is an @ behind the first slash: {ENCODE}"));
    }
    let (userinfo, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = match userinfo.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (userinfo, None),
    };

    let mut parameters = Vec::new();
    let mut add = |key: &str, value: &str| -> Result<(), String> {
        if !value.is_empty() {
            parameters.push((key.to_owned(), decoded(key, value)?));
        }
        Ok(())
    };
    add("user", user)?;
    add("password", password.unwrap_or_default())?;
    add("dbname", dbname)?;
    let (hosts, ports): (Vec<&str>, Vec<&str>) = hosts.split(',').map(split_port).unzip();
    add("host", &hosts.join(","))?;
    if ports.iter().any(|port| !port.is_empty()) {
        add("port", &ports.join(","))?;
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| format!("a parameter after the question mark has no value: write key=value, or {ENCODE}"))?;
        add(&decoded("a parameter", key)?, value)?;
    }
    Ok(parameters)
}

/// Splits `host:port`, where the host can be an IPv6 address in brackets.
fn split_port(host: &str) -> (&str, &str) {
    if let Some((address, rest)) = host.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return (address, rest.strip_prefix(':').unwrap_or(rest));
    }
    host.split_once(':').unwrap_or((host, ""))
}

/// Decodes the value of a parameter. A percent sign that encodes nothing is refused, as libpq does: it would be part of the value here
/// and not there.
fn decoded(key: &str, value: &str) -> Result<String, String> {
    let named = if is_known(key) { key } else { "a parameter" };
    if !value.split('%').skip(1).all(begins_with_two_digits) {
        return Err(format!(
            "{named} has a % without two hexadecimal digits behind it: {ENCODE}"
        ));
    }
    percent_decode_str(value)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| format!("{named} is not UTF-8 after percent-decoding"))
}

fn begins_with_two_digits(text: &str) -> bool {
    let digits = text.as_bytes().get(..2);
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Takes `key=value key='quoted value'` apart; a backslash takes the next character as it is.
fn keyword_parameters(text: &str) -> Result<Vec<(String, String)>, String> {
    const MALFORMED: &str = "must be postgres://user:password@host:port/name, or key=value pairs as libpq takes them";
    let mut parameters = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or(MALFORMED)?;
        let key = key.trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            return Err(MALFORMED.to_owned());
        }
        let (value, remaining) = keyword_value(after.trim_start())?;
        // libpq takes `host= password=x` for a host of the name `password=x`, which would be told.
        let is_next = value.split_once('=').is_some_and(|(name, _)| is_known(name));
        if is_next && after.starts_with(char::is_whitespace) && !after.trim_start().starts_with('\'') {
            return Err("a parameter has no value: give one, write '', or leave the parameter out".to_owned());
        }
        parameters.push((key.to_owned(), value));
        rest = remaining.trim_start();
    }
    Ok(parameters)
}

/// Takes one value, quoted or not, and gives what comes after it.
fn keyword_value(text: &str) -> Result<(String, &str), String> {
    let (quoted, body) = match text.strip_prefix('\'') {
        Some(body) => (true, body),
        None => (false, text),
    };
    let mut value = String::new();
    let mut characters = body.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &body[index + 1..])),
            blank if blank.is_whitespace() && !quoted => return Ok((value, &body[index..])),
            other => value.push(other),
        }
    }
    if quoted {
        return Err("a quoted value has no end".to_owned());
    }
    Ok((value, ""))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn password(dsn: &Dsn) -> Option<&str> {
        dsn.password.as_ref().map(ExposeSecret::expose_secret)
    }

    #[test]
    fn a_full_uri_gives_every_part() {
        let dsn = Dsn::parse(
            "postgresql://us%40er:p%3Aw%2Fd@a.example,b.example:5433,[::1]:5434/my%20db\
             ?sslmode=verify-full&sslrootcert=%2Fca.pem&sslcert=/c.pem&sslkey=/k.pem&target_session_attrs=read-write",
        )
        .unwrap();
        assert_eq!(
            dsn.hosts,
            [
                ("a.example".to_owned(), None),
                ("b.example".to_owned(), Some(5433)),
                ("::1".to_owned(), Some(5434))
            ]
        );
        assert_eq!(dsn.dbname.as_deref(), Some("my db"));
        assert_eq!(dsn.user.as_deref(), Some("us@er"));
        assert_eq!(password(&dsn), Some("p:w/d"));
        assert_eq!(dsn.sslmode.as_deref(), Some("verify-full"));
        assert_eq!(dsn.sslrootcert.as_deref(), Some("/ca.pem"));
        assert_eq!(dsn.sslcert.as_deref(), Some("/c.pem"));
        assert_eq!(dsn.sslkey.as_deref(), Some("/k.pem"));
    }

    #[test]
    fn a_short_uri_leaves_the_rest_open() {
        let dsn = Dsn::parse("postgres://localhost").unwrap();
        assert_eq!(dsn.hosts, [("localhost".to_owned(), None)]);
        assert!(dsn.dbname.is_none() && dsn.user.is_none() && dsn.password.is_none());
        let socket = Dsn::parse("postgres://u@%2Fvar%2Frun/d").unwrap();
        assert_eq!(socket.hosts, [("/var/run".to_owned(), None)]);
        let by_parameter = Dsn::parse("postgres:///d?host=/tmp&port=5433").unwrap();
        assert_eq!(by_parameter.hosts, [("/tmp".to_owned(), Some(5433))]);
    }

    #[test]
    fn keywords_give_the_same_parts() {
        let dsn =
            Dsn::parse(r"host=a,b port = 5433 dbname='my \'db\'' user=u password='p w\\d' sslmode=verify-ca").unwrap();
        assert_eq!(dsn.hosts, [("a".to_owned(), Some(5433)), ("b".to_owned(), Some(5433))]);
        assert_eq!(dsn.dbname.as_deref(), Some("my 'db'"));
        assert_eq!(password(&dsn), Some(r"p w\d"));
        assert_eq!(dsn.sslmode.as_deref(), Some("verify-ca"));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for text in [
            "postgres://u:sesame@h/d?options=-c%20x",
            "postgres://u:sesame@h:99999/d",
            "postgres://u:sesame@h/d?sslmode",
            "postgres://u:sesame@h/%FF",
            "postgres://u:sesame@a:1,b:2/d?port=1,2,3",
            "host=h password='sesame",
            "mysql://u:sesame@h/d",
            "sesame",
            "u:sesame@h/d",
            "postgres://u:sesame",
            "postgres://u@h/d?sesame=1",
            "postgres://u@h/d?sesame=%FF",
            "postgres://u@h/d?sesame=%xx",
            "postgres://u:a%sesame@h/d",
            "postgres://u:sesame%@h/d",
            "host=h port=sesame",
            "host=h password=half sesame=other",
            "host= password=sesame",
            "host=h sslmode= password=sesame",
        ] {
            let refused = Dsn::parse(text).unwrap_err();
            assert!(!refused.contains("sesame"), "{text}: {refused}");
        }
    }

    #[test]
    fn a_password_with_special_characters_is_refused_with_what_to_do() {
        for password in [
            "sesame/x9",
            "5432/sesame",
            "5432/ses/ame",
            "sesame?x9",
            "sesame?x9=",
            "5432?sesame=x9",
            "ses@ame/x9",
            "5432/a?sesame=",
            "ses%ame",
            "sesame%",
        ] {
            let refused = Dsn::parse(&format!("postgres://app:{password}@db.example.com/perses")).unwrap_err();
            assert!(refused.contains("percent-encode"), "{password}: {refused}");
            for part in ["sesame", "ses", "ame", "x9", "5432"] {
                let is_told = refused.split(|c: char| !c.is_alphanumeric()).any(|word| word == part);
                assert!(!is_told, "{password}: {refused}");
            }
        }
        let encoded = Dsn::parse("postgres://app:a%2Fb%3fc%40d%25e@h/d").unwrap();
        assert_eq!(password(&encoded), Some("a/b?c@d%e"));
    }

    #[test]
    fn a_parameter_that_libpq_knows_is_named() {
        for text in ["postgres://u@h/d?connect_timeout=5", "host=h connect_timeout=5"] {
            let refused = Dsn::parse(text).unwrap_err();
            assert!(refused.contains(r#""connect_timeout" is not supported"#), "{refused}");
        }
        let by_parameter = Dsn::parse("postgres:///d?host=h&user=u@tenant").unwrap();
        assert_eq!(by_parameter.user.as_deref(), Some("u@tenant"));
    }
}
