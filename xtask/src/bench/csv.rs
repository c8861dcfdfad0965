//! Reading CSV as RFC 4180 has it: quoted cells may hold commas, doubled quotes and line ends.

/// The records of a CSV text, the header among them. Empty lines are left out, as most readers do.
pub(crate) fn records(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut records = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while !rest.is_empty() {
        let (record, after) = record(rest)?;
        rest = after;
        if record != [""] {
            records.push(record);
        }
    }
    Ok(records)
}

/// The first record and the text after it.
fn record(text: &str) -> Result<(Vec<String>, &str), String> {
    let mut cells = Vec::new();
    let mut rest = text;
    loop {
        let (cell, after) = cell(rest)?;
        cells.push(cell);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => {
                let after = after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n')).unwrap_or(after);
                return Ok((cells, after));
            }
        }
    }
}

/// The first cell and the text after it, which begins with a comma, a line end, or not at all.
fn cell(text: &str) -> Result<(String, &str), String> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find([',', '\n']).unwrap_or(text.len());
        let end = if text[end..].starts_with('\n') && text[..end].ends_with('\r') { end - 1 } else { end };
        return Ok((text[..end].to_owned(), &text[end..]));
    };
    let mut cell = String::new();
    loop {
        let end = rest.find('"').ok_or("a quote is not closed")?;
        cell.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                cell.push('"');
                rest = after;
            }
            None if rest.is_empty() || rest.starts_with([',', '\n']) || rest.starts_with("\r\n") => {
                return Ok((cell, rest));
            }
            None => return Err(format!("after the quoted cell `{cell}` comes neither a comma nor a line end")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&[&str]]) {
        assert_eq!(records(text).unwrap(), expect, "{text:?}");
    }

    #[test]
    fn records_are_read() {
        check("", &[]);
        check("a,b\n1,2\n", &[&["a", "b"], &["1", "2"]]);
        check("a,b\r\n1,2\r\n", &[&["a", "b"], &["1", "2"]]);
        check("a,b\n1,", &[&["a", "b"], &["1", ""]]);
        check("\u{feff}a\n\n\r\nx", &[&["a"], &["x"]]);
        check(",\n", &[&["", ""]]);
    }

    #[test]
    fn quoted_cells_hold_anything() {
        check("a,\"x, \"\"y\"\"\nz\",b\n", &[&["a", "x, \"y\"\nz", "b"]]);
        check("\"\",\"\"\"\"\r\n\"1\"", &[&["", "\""], &["1"]]);
        check("say \"hi\",2\n", &[&["say \"hi\"", "2"]]);
    }

    #[test]
    fn open_ends_are_refused() {
        assert_eq!(records("a,\"b\n").unwrap_err(), "a quote is not closed");
        assert!(records("\"a\"b,c\n").unwrap_err().contains("neither a comma"));
    }
}
