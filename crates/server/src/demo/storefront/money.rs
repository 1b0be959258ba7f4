//! Prices as shoppers read them.

use crate::wire::recommend::MoneyBody;
use bespoke_domain::Money;

/// `£2.95`.
pub fn text(money: Money) -> String {
    amount(&money.amount(), money.currency.code())
}

/// The same of a price in an answer.
pub fn of(body: &MoneyBody) -> String {
    amount(&body.amount, &body.currency)
}

/// A price that stands by itself: £5, £4.99.
pub fn plain(value: f64, code: &str) -> String {
    amount(&number(value), code)
}

/// With two digits behind the point where there are any.
pub fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.strip_suffix(".00").unwrap_or(&text).to_owned()
}

fn amount(amount: &str, currency: &str) -> String {
    match currency {
        "GBP" => format!("£{amount}"),
        "EUR" => format!("€{amount}"),
        "USD" => format!("${amount}"),
        code => format!("{amount} {code}"),
    }
}
