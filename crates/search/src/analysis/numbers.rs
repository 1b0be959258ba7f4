//! Numbers as they are written: decimals with a point or a comma, thousands in groups, and what they amount to – in integers, so
//! that it is the same on every machine.

/// Digits that are understood as an amount; longer ones are article numbers.
const DIGITS_MAX: usize = 15;

/// A number in a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Number {
    /// One way to write it: `1,50` as `1.5`, `1.000` as `1000`; digits alone stay as they are.
    pub text: String,
    /// Its digits without the decimal sign, and by which power of ten to divide them; `None` = too long.
    pub amount: Option<(u64, u32)>,
    /// Bytes that it takes in the text.
    pub(super) typed: usize,
}

/// Bytes of the run of digits with points and commas between them at the beginning of `rest`.
pub(super) fn length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = 0;
    while is_digit(end) || (matches!(bytes.get(end), Some(b'.' | b',')) && is_digit(end + 1)) {
        end += 1;
    }
    end
}

/// The numbers of such a run with where they begin: one, or each part of what is a list (`10,100,1000`, `1.2.3`).
pub(super) fn read(run: &str, comma_groups: bool) -> Vec<(usize, Number)> {
    let Some(separator) = run.find(['.', ',']) else { return vec![(0, plain(run))] };
    let parts: Vec<&str> = run.split(['.', ',']).collect();
    let separators: Vec<u8> = run.bytes().filter(|byte| !byte.is_ascii_digit()).collect();
    let group = if comma_groups { b',' } else { b'.' };
    let all_groups =
        |parts: &[&str]| parts[1..].iter().all(|part| part.len() == 3) && (1..=3).contains(&parts[0].len());
    let first = run.as_bytes()[separator];
    let whole = parts.concat();
    let (last, before) = (parts.len() - 1, &parts[..parts.len() - 1]);
    let same = separators.iter().all(|one| *one == first);
    if same && all_groups(&parts) && parts[0] != "0" && (first == group || parts.len() > 2) {
        return vec![(0, Number { typed: run.len(), ..decimal(&whole, "") })];
    }
    let is_grouped = parts.len() > 2
        && separators[..last - 1].iter().all(|one| *one == first)
        && !same
        && all_groups(before);
    if parts.len() == 2 || is_grouped {
        return vec![(0, Number { typed: run.len(), ..decimal(&before.concat(), parts[last]) })];
    }
    let mut start = 0;
    let place = |part: &&str| {
        let own = start;
        start += part.len() + 1;
        (own, plain(part))
    };
    parts.iter().map(place).collect()
}

/// Digits as they are: `006` is not `6`.
fn plain(digits: &str) -> Number {
    let amount = (digits.len() <= DIGITS_MAX).then(|| digits.parse().ok()).flatten().map(|value| (value, 0));
    Number { text: digits.to_owned(), amount, typed: digits.len() }
}

fn decimal(whole: &str, decimals: &str) -> Number {
    let decimals = decimals.trim_end_matches('0');
    let whole = Some(whole.trim_start_matches('0')).filter(|whole| !whole.is_empty()).unwrap_or("0");
    let text = if decimals.is_empty() { whole.to_owned() } else { format!("{whole}.{decimals}") };
    let is_short = whole.len() + decimals.len() <= DIGITS_MAX;
    let amount = is_short.then(|| format!("{whole}{decimals}").parse().ok()).flatten();
    Number { text, amount: amount.map(|digits| (digits, decimals.len() as u32)), typed: 0 }
}

impl Number {
    /// A number below one that was written without its zero: `.5`.
    pub(super) fn below_one(decimals: &str) -> Self {
        decimal("", decimals)
    }

    /// What it amounts to, the nearest that a double holds.
    pub fn value(&self) -> Option<f64> {
        self.amount.map(|(digits, scale)| digits as f64 / 10u64.pow(scale) as f64)
    }
}
