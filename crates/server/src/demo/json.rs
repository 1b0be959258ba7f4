//! Just enough JSON to write half a million items quickly: escaped strings and amounts in pence.

use std::io::Write as _;

/// Appends a quoted and escaped string.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            0..0x20 => out.extend(format!("\\u{byte:04x}").bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Appends `,"name":` followed by a quoted string.
pub(super) fn push_field(out: &mut Vec<u8>, name: &str, text: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    push_string(out, text);
}

/// Appends a whole number.
pub(super) fn push_integer(out: &mut Vec<u8>, value: u64) {
    // Writing to a `Vec` cannot fail.
    let _ = write!(out, "{value}");
}

/// Appends an amount of pence as pounds with two decimals.
pub(super) fn push_pounds(out: &mut Vec<u8>, pence: u64) {
    push_integer(out, pence / 100);
    out.extend([b'.', b'0' + (pence % 100 / 10) as u8, b'0' + (pence % 10) as u8]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_and_read_back_the_same() {
        for text in ["", "plain", "7\" frame", "back\\slash", "tab\tnul\0", "£5 café"] {
            let mut out = Vec::new();
            push_string(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).expect(text), text);
        }
    }

    #[test]
    fn amounts_keep_two_decimals() {
        let pounds = |pence| {
            let mut out = Vec::new();
            push_pounds(&mut out, pence);
            String::from_utf8_lossy(&out).into_owned()
        };
        assert_eq!(
            [pounds(0), pounds(5), pounds(255), pounds(1_000_010)],
            ["0.00", "0.05", "2.55", "10000.10"]
        );
    }
}
