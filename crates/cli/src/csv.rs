//! Rows of a CSV file (RFC 4180), each with the line on which it begins.

/// A row's cells, or the reason why it cannot be read.
pub(crate) type Row = (usize, Result<Vec<String>, &'static str>);

/// Splits bytes into rows; blank lines are skipped. An invalid row ends with its line, and parsing
/// continues after it.
pub(crate) fn rows(bytes: &[u8]) -> Vec<Row> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut rows = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        let (first, begins) = (line, at);
        let (cells, next) = match row(bytes, at) {
            Ok((cells, next)) => {
                let cells: Option<Vec<String>> =
                    cells.into_iter().map(|cell| String::from_utf8(cell).ok()).collect();
                (cells.ok_or("not UTF-8"), next)
            }
            Err(reason) => (Err(reason), end_of_line(bytes, at)),
        };
        at = next;
        line += bytes[begins..at].split(|b| *b == b'\n').count() - 1;
        let blank = bytes[begins..at].iter().all(u8::is_ascii_whitespace);
        if !blank {
            rows.push((first, cells));
        }
    }
    rows
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n + 1)
}

/// The cells of the row that begins at `at`, and the start of the next one.
fn row(bytes: &[u8], mut at: usize) -> Result<(Vec<Vec<u8>>, usize), &'static str> {
    let mut cells = Vec::new();
    loop {
        let mut cell = Vec::new();
        if bytes.get(at) == Some(&b'"') {
            at += 1;
            loop {
                match (bytes.get(at), bytes.get(at + 1)) {
                    (Some(b'"'), Some(b'"')) => {
                        cell.push(b'"');
                        at += 2;
                    }
                    (Some(b'"'), _) => {
                        at += 1;
                        break;
                    }
                    (Some(other), _) => {
                        cell.push(*other);
                        at += 1;
                    }
                    (None, _) => return Err("a quotation mark is never closed"),
                }
            }
            if !matches!(bytes.get(at), None | Some(b',' | b'\n' | b'\r')) {
                return Err("text after a closing quotation mark");
            }
        } else {
            while let Some(other) = bytes.get(at).filter(|b| !matches!(b, b',' | b'\n')) {
                cell.push(*other);
                at += 1;
            }
            if cell.last() == Some(&b'\r') && matches!(bytes.get(at), None | Some(b'\n')) {
                cell.pop();
            }
        }
        cells.push(cell);
        if bytes.get(at) == Some(&b'\r') {
            at += 1;
        }
        match bytes.get(at) {
            Some(b',') => at += 1,
            Some(_) => return Ok((cells, at + 1)),
            None => return Ok((cells, at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(usize, Vec<String>)> {
        rows(text.as_bytes()).into_iter().map(|(line, cells)| (line, cells.unwrap())).collect()
    }

    #[test]
    fn quoted_cells_hold_commas_quotes_and_lines() {
        let found = read("text,label\r\n\"a, \"\"b\"\"\nc\",positive\r\n\r\nplain,neutral");
        let expected = [
            (1, vec!["text".to_owned(), "label".to_owned()]),
            (2, vec!["a, \"b\"\nc".to_owned(), "positive".to_owned()]),
            (5, vec!["plain".to_owned(), "neutral".to_owned()]),
        ];
        assert_eq!(found, expected);
        assert_eq!(read("a,\n"), [(1, vec!["a".to_owned(), String::new()])]);
        assert!(read("").is_empty());
    }

    #[test]
    fn a_row_that_cannot_be_read_does_not_take_the_rest_with_it() {
        let found =
            rows(b"\"x\"y,positive\nok,neutral\n\xff,negative\n\"open,positive\nok,negative\n");
        let lines: Vec<_> = found.iter().map(|(line, cells)| (*line, cells.is_ok())).collect();
        assert_eq!(lines, [(1, false), (2, true), (3, false), (4, false), (5, true)]);
        assert_eq!(found[2].1, Err("not UTF-8"));
    }
}
