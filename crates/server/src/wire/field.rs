//! Reading JSON field by field: each reader takes what it knows out of the object, so that what is left is what the shop
//! sent beyond it; each fault names its field.

use bespoke_domain::locale::{LOCALE_MAX, canonical};
use bespoke_domain::{Currency, Millis, Money, Problem};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

/// Longest identifier in bytes.
pub const ID_MAX: usize = 128;

/// An object being read.
pub struct Fields(pub Map<String, Value>);

/// The moment of RFC 3339 text.
pub fn parse_time(text: &str) -> Option<Millis> {
    text.trim().parse::<jiff::Timestamp>().ok().map(|time| Millis(time.as_millisecond()))
}

fn wrong(name: &str, want: &str) -> Problem {
    Problem::new(name, "wrong_type", format!("must be {want}"))
}

impl Fields {
    /// The object of a value.
    pub fn of(value: Value, name: &str) -> Result<Self, Problem> {
        match value {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(wrong(name, "an object")),
        }
    }

    /// A field that is there and not null.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// A fault where the sender wrote a field that nobody reads: it would be taken for obeyed.
    pub fn none_left(&self) -> Result<(), Problem> {
        let unread = |name: &String| {
            Problem::new(
                name,
                "unknown_field",
                "this version does not know it; check its name, or leave it out",
            )
        };
        self.0.keys().next().map_or(Ok(()), |name| Err(unread(name)))
    }

    /// Text of at most `max` bytes.
    pub fn text(&mut self, name: &str, max: usize) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= max => Ok(Some(text)),
            Some(Value::String(_)) => {
                Err(Problem::new(name, "too_long", format!("must be at most {max} bytes")))
            }
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(wrong(name, "text")),
        }
    }

    /// The tag of a language, such as `de` or `de-AT`, as it is written; `None` also for empty text.
    pub fn locale(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let text = self.text(name, 4 * LOCALE_MAX)?.filter(|text| !text.trim().is_empty());
        let detail = "must be a BCP 47 tag such as `de` or `de-AT`: a language of two or three letters, then region or script after `-`";
        let tag = |text: String| canonical(&text).ok_or_else(|| Problem::new(name, "invalid_locale", detail));
        text.map(tag).transpose()
    }

    /// An identifier: text that is not empty.
    pub fn id(&mut self, name: &str) -> Result<Option<String>, Problem> {
        match self.text(name, ID_MAX)? {
            Some(text) if text.trim().is_empty() => Err(Problem::new(name, "empty", "must not be empty")),
            text => Ok(text),
        }
    }

    /// A whole number from 0 to `max`.
    pub fn count(&mut self, name: &str, max: u64) -> Result<Option<u64>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        match number {
            Some(number) if number <= max => Ok(Some(number)),
            _ => Err(wrong(name, &format!("a whole number from 0 to {max}"))),
        }
    }

    /// True or false.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(Value::String(text)) if text == "true" || text == "yes" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" || text == "no" => Ok(Some(false)),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// RFC 3339 text, or milliseconds of the epoch.
    pub fn time(&mut self, name: &str) -> Result<Option<Millis>, Problem> {
        let bad = || {
            Problem::new(
                name,
                "invalid_time",
                "must be RFC 3339 such as 2026-03-01T10:00:00Z, or epoch milliseconds",
            )
        };
        match self.take(name) {
            None => Ok(None),
            Some(Value::Number(number)) => number.as_i64().map(|ms| Some(Millis(ms))).ok_or_else(bad),
            Some(Value::String(text)) => {
                let number = || text.trim().parse().ok().map(Millis);
                parse_time(&text).or_else(number).map(Some).ok_or_else(bad)
            }
            Some(_) => Err(bad()),
        }
    }

    /// A list of at most `max` texts; one text is a list of one.
    pub fn texts(&mut self, name: &str, max: usize, longest: usize) -> Result<Vec<String>, Problem> {
        let list = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(one) => vec![one],
        };
        if list.len() > max {
            return Err(Problem::new(name, "too_many", format!("must be at most {max}")));
        }
        let text = |(at, value): (usize, Value)| match value {
            Value::String(text) if text.len() <= longest => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(wrong(&format!("{name}.{at}"), &format!("text of at most {longest} bytes"))),
        };
        list.into_iter().enumerate().map(text).collect()
    }

    /// Money: a number, text such as `15.99` or `15.99 EUR`, or `{"amount","currency"}`.
    pub fn money(&mut self, name: &str, default: Currency) -> Result<Option<Money>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => money(value, default).map(Some).map_err(|problem| problem.of(name)),
        }
    }

    /// What is left, as JSON text of at most `max` bytes; `None` where nothing is.
    pub fn rest(self, name: &str, max: usize) -> Result<Option<Box<str>>, Problem> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let text = Value::Object(self.0).to_string();
        if text.len() > max {
            return Err(Problem::new(
                name,
                "too_long",
                format!("fields beyond the known ones must be at most {max} bytes"),
            ));
        }
        Ok(Some(text.into()))
    }
}

fn money(value: Value, default: Currency) -> Result<Money, Problem> {
    match value {
        Value::Number(number) => Money::parse(&plain(&number.to_string()), default),
        Value::String(text) => Money::parse_with_code(&text, default),
        Value::Object(map) => {
            let mut fields = Fields(map);
            let currency = fields.text("currency", 3)?.map_or(Ok(default), |code| Currency::parse(&code))?;
            let amount = fields.take("amount").ok_or_else(|| wrong("amount", "given"))?;
            money(amount, currency)
        }
        _ => Err(wrong("", "a number or text such as \"15.99 EUR\"")),
    }
}

/// A JSON number's text with the noise of binary fractions (`0.1 + 0.2`) cut at six decimals.
fn plain(text: &str) -> String {
    match text.split_once('.') {
        Some((whole, fraction)) if fraction.len() > 6 && !fraction.contains(['e', 'E']) => text
            .parse::<f64>()
            .map_or_else(|_| format!("{whole}.{fraction}"), |number| format!("{number:.6}")),
        _ => text.to_owned(),
    }
}

/// The values of a body: one object, an array, or one object a line.
pub fn values(body: &[u8], max: usize) -> Result<Vec<Result<Value, Problem>>, Problem> {
    let bad = |error: serde_json::Error| Problem::new("body", "bad_json", error.to_string());
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let values: Vec<Result<Value, Problem>> = match first {
        Some(b'[') => serde_json::from_slice::<Vec<Value>>(body).map_err(bad)?.into_iter().map(Ok).collect(),
        Some(b'{') => match serde_json::from_slice::<Value>(body) {
            Ok(value) => vec![Ok(value)],
            Err(error) if !body.contains(&b'\n') => return Err(bad(error)),
            Err(_) => {
                let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
                lines.map(|line| serde_json::from_slice(line).map_err(bad)).collect()
            }
        },
        _ => {
            return Err(Problem::new(
                "body",
                "bad_json",
                "must be a JSON object, an array, or one object a line",
            ));
        }
    };
    if values.len() > max {
        return Err(Problem::new(
            "body",
            "too_many",
            format!("{} in one request, the most is {max}", values.len()),
        ));
    }
    Ok(values)
}

/// The fields of a body that is one JSON object.
pub fn object_of(body: &[u8]) -> Result<Fields, Problem> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| Problem::new("body", "bad_json", error.to_string()))?;
    Fields::of(value, "body")
}

/// Reads fields into a wire type; a fault names its field by the whole path, and what it must be.
pub fn typed<T: DeserializeOwned>(fields: Fields) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Value::Object(fields.0)).map_err(|error| {
        let named = |segment: &Segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        let mut path: Vec<String> = error.path().iter().filter_map(named).collect();
        let text = error.inner().to_string();
        let plain = |text: &str| text.replace('`', "");
        if let Some(name) = text.strip_prefix("missing field ").map(plain) {
            path.push(name);
            return Problem::new(path.join("."), "missing", "must be given");
        }
        let (found, wanted) = text.split_once(", expected ").unwrap_or((&text, ""));
        let (code, detail) = if found.starts_with("unknown field") {
            let known = wanted.trim_start_matches("one of ");
            ("unknown_field", format!("is not known here; leave it out, or take one of {}", plain(known)))
        } else if let Some(name) = found.strip_prefix("unknown variant ") {
            (
                "unknown_name",
                format!("{:?} is none of {}", plain(name), plain(wanted.trim_start_matches("one of "))),
            )
        } else {
            ("wrong_type", must_be(&text))
        };
        Problem::new(path.join("."), code, detail)
    })
}

/// What serde says of a value of a wrong type, as people say it; anything else as it is.
pub fn must_be(text: &str) -> String {
    match text.split_once(", expected ") {
        Some((found, wanted)) if found.starts_with("invalid ") => {
            format!("must be {}", in_words(wanted.trim()))
        }
        _ => text.to_owned(),
    }
}

fn in_words(wanted: &str) -> String {
    let most = match wanted {
        "u8" => u64::from(u8::MAX),
        "u16" => u64::from(u16::MAX),
        "u32" => u64::from(u32::MAX),
        "u64" => u64::MAX,
        "f32" | "f64" => return "a number".to_owned(),
        "a string" => return "text".to_owned(),
        "a boolean" => return "true or false".to_owned(),
        "a sequence" => return "a list".to_owned(),
        "a tuple of size 2" => return "a list of two numbers".to_owned(),
        _ if wanted == "a map" || wanted.starts_with("struct ") => return "an object".to_owned(),
        _ => return wanted.to_owned(),
    };
    format!("a whole number from 0 to {most}")
}

/// The fields of a CSV row as an object of texts; names in lower case, spaces as underscores.
pub fn object(fields: &[(&str, &str)]) -> Value {
    let name = |name: &str| name.trim().to_ascii_lowercase().replace(' ', "_");
    let text = |text: &str| Value::String(text.trim().to_owned());
    Value::Object(
        fields
            .iter()
            .filter(|(_, value)| !value.trim().is_empty())
            .map(|(key, value)| (name(key), text(value)))
            .collect(),
    )
}
