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

fn amount(amount: &str, currency: &str) -> String {
    match currency {
        "GBP" => format!("£{amount}"),
        "EUR" => format!("€{amount}"),
        "USD" => format!("${amount}"),
        code => format!("{amount} {code}"),
    }
}
