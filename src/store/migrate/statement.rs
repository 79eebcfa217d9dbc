//! Splits a file into its statements, as psql does.
//!
//! Knows comments, strings, quoted identifiers and dollar quotes. Does not know `BEGIN ATOMIC` bodies and psql's
//! backslash commands; migrations use neither.

/// One statement of a file, without the comments before it and the semicolon after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    /// What PostgreSQL gets.
    pub(super) text: &'a str,
    /// The line of the file on which it begins, from 1.
    pub(super) line: usize,
}

impl Statement<'_> {
    /// The line of the file that holds the character at `position` of the statement, from 1 as PostgreSQL counts.
    pub(super) fn line_at(&self, position: u32) -> usize {
        let before = (position as usize).saturating_sub(1);
        self.line + self.text.chars().take(before).filter(|c| *c == '\n').count()
    }
}

/// What an element means to the one who splits.
enum Meaning {
    Blank,
    End,
    Code,
}

/// Splits `sql` at its semicolons; what stands after the last one counts as a statement too.
pub(super) fn split(sql: &str) -> Vec<Statement<'_>> {
    let statement = |begin: usize, end: usize| Statement {
        text: sql[begin..end].trim_end(),
        line: sql[..begin].matches('\n').count() + 1,
    };
    let mut statements = Vec::new();
    let mut begin = None;
    let mut position = 0;
    while let Some((meaning, length)) = next_element(&sql[position..]) {
        match meaning {
            Meaning::Blank => {}
            Meaning::Code => {
                begin.get_or_insert(position);
            }
            Meaning::End => statements.extend(begin.take().map(|begin| statement(begin, position))),
        }
        position += length;
    }
    statements.extend(begin.map(|begin| statement(begin, position)));
    statements
}

/// The meaning and the length in bytes of what `rest` begins with; none at its end.
fn next_element(rest: &str) -> Option<(Meaning, usize)> {
    let first = rest.chars().next()?;
    let element = match first {
        ';' => (Meaning::End, 1),
        '-' if rest.starts_with("--") => (Meaning::Blank, rest.find('\n').unwrap_or(rest.len())),
        '/' if rest.starts_with("/*") => (Meaning::Blank, block_comment_length(rest)),
        '\'' | '"' => (Meaning::Code, quoted_length(rest, first)),
        'e' | 'E' if rest[1..].starts_with('\'') => (Meaning::Code, 1 + escape_string_length(&rest[1..])),
        '$' => (Meaning::Code, dollar_quoted_length(rest)),
        _ if first.is_whitespace() => (Meaning::Blank, first.len_utf8()),
        _ if is_word(first) => (
            Meaning::Code,
            rest.find(|c| !is_word(c) && c != '$').unwrap_or(rest.len()),
        ),
        _ => (Meaning::Code, first.len_utf8()),
    };
    Some(element)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Comments nest in SQL, unlike in C.
fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0;
    let mut position = 0;
    while position < rest.len() {
        let here = &rest.as_bytes()[position..];
        position += match here {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        if depth == 0 {
            return position;
        }
    }
    rest.len()
}

/// A doubled quote inside ends one element and begins the next: for finding semicolons that is the same.
fn quoted_length(rest: &str, quote: char) -> usize {
    rest[1..].find(quote).map_or(rest.len(), |end| end + 2)
}

/// The length of `'…'` after an `E`, where a backslash escapes a quote.
fn escape_string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (position, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => return position + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of `$tag$…$tag$`; 1 for a `$` that opens none.
fn dollar_quoted_length(rest: &str) -> usize {
    let Some(tag_end) = rest[1..].find('$').map(|end| end + 2) else {
        return 1;
    };
    let tag = &rest[..tag_end];
    let name = &tag[1..tag_end - 1];
    if !name.chars().all(is_word) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return 1;
    }
    rest[tag_end..]
        .find(tag)
        .map_or(rest.len(), |end| tag_end + end + tag_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        split(sql).iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn semicolons_separate_statements() {
        assert_eq!(
            texts("SELECT 1; SELECT 2 ;\n;; SELECT 3 -- no semicolon"),
            ["SELECT 1", "SELECT 2", "SELECT 3 -- no semicolon"]
        );
        assert_eq!(texts(" -- nothing; here\n/* nor; here */"), Vec::<&str>::new());
    }

    #[test]
    fn semicolons_in_quotes_and_comments_do_not() {
        for sql in [
            "SELECT 'a;b''c;d'",
            "SELECT E'a\\';b'",
            r#"SELECT "a;""b;""#,
            "SELECT 1 -- a;b\n + 1",
            "SELECT 1 /* a; /* b; */ c; */ + 1",
            "DO $$ BEGIN NULL; END $$",
            "DO $body$ SELECT $$;$$; $body$",
            "SELECT a$b, ';', c$d",
            "SELECT $1, ';', $2",
            "SELECT 'é;ß', 'naïve;'",
        ] {
            assert_eq!(texts(&format!("{sql}; SELECT 2;")), [sql, "SELECT 2"], "{sql}");
        }
    }

    #[test]
    fn what_is_never_closed_runs_to_the_end() {
        for sql in [
            "SELECT 'a;",
            "SELECT \"a;",
            "SELECT E'a\\';",
            "DO $x$ a; $y$",
            "SELECT 1 /* a;",
        ] {
            assert_eq!(texts(sql), [sql], "{sql}");
        }
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let statements = split("-- first line\n\nSELECT 1;\nSELECT\n  'é',\n  wrong;\n");
        let lines: Vec<usize> = statements.iter().map(|statement| statement.line).collect();
        assert_eq!(lines, [3, 4]);
        assert_eq!(statements[1].line_at(1), 4);
        assert_eq!(statements[1].line_at(17), 6, "counted in characters, not in bytes");
    }
}
