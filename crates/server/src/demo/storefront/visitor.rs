//! Who visits, by cookies: what they allow, an id only where they allow one, and the cart, which needs no consent.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};
use serde_json::{Value, json};

/// Most lines of a cart.
const LINES_MAX: usize = 20;
/// Most units of a line.
const UNITS_MAX: u32 = 99;

/// What a visitor allows; nothing until they say so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Allows {
    /// Whether they were asked and answered.
    pub is_answered: bool,
    /// To measure.
    pub analytics: bool,
    /// To tailor.
    pub personalization: bool,
}

impl Allows {
    fn parse(text: &str) -> Self {
        Self {
            is_answered: true,
            analytics: text.contains("analytics"),
            personalization: text.contains("personalization"),
        }
    }

    /// The cookie's text.
    pub fn text(self) -> String {
        let named = [(self.analytics, "analytics"), (self.personalization, "personalization")];
        let given: Vec<&str> = named.into_iter().filter(|(given, _)| *given).map(|(_, name)| name).collect();
        if given.is_empty() { "none".to_owned() } else { given.join(".") }
    }

    /// As events carry it.
    pub fn json(self) -> Value {
        let word = |given| if given { "granted" } else { "denied" };
        json!({
            "analytics": word(self.analytics),
            "personalization": word(self.personalization),
            "marketing": "denied",
        })
    }

    /// Whether an id may be given.
    pub fn an_id(self) -> bool {
        self.analytics || self.personalization
    }
}

/// One line of the cart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The product.
    pub id: String,
    /// Units.
    pub quantity: u32,
    /// The decision it was found through.
    pub rec_token: String,
}

/// Who visits.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// What they allow.
    pub allows: Allows,
    /// The browser's id, where there may be one.
    pub anonymous_id: Option<String>,
    /// The customer who signed in.
    pub customer: Option<String>,
    /// The cart.
    pub cart: Vec<Line>,
}

impl Visitor {
    /// Reads the cookies; what cannot be read is not there.
    pub fn of(headers: &HeaderMap) -> Self {
        let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies: Vec<Cookie<'_>> = texts.flat_map(Cookie::split_parse_encoded).flatten().collect();
        let value = |name: &str| {
            cookies.iter().find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
        };
        let allows = value("consent").map(|text| Allows::parse(&text)).unwrap_or_default();
        let known = |name| value(name).filter(|id| allows.an_id() && (1..=64).contains(&id.len()));
        Self {
            allows,
            anonymous_id: known("shopper"),
            customer: known("customer"),
            cart: value("cart").map(|text| lines(&text)).unwrap_or_default(),
        }
    }

    /// Gives a visitor who allows it an id; `true` where there was none.
    pub fn settle(&mut self) -> bool {
        let is_new = self.allows.an_id() && self.anonymous_id.is_none();
        if is_new {
            self.anonymous_id = random_id();
        }
        is_new
    }

    /// Units in the cart.
    pub fn units(&self) -> u32 {
        self.cart.iter().map(|line| line.quantity).sum()
    }

    /// Puts a unit into the cart; `false` where it is full.
    pub fn add(&mut self, id: &str, rec_token: &str) -> bool {
        if let Some(line) = self.cart.iter_mut().find(|line| line.id == id) {
            line.quantity = (line.quantity + 1).min(UNITS_MAX);
            return true;
        }
        let has_room = self.cart.len() < LINES_MAX;
        if has_room {
            self.cart.push(Line { id: id.to_owned(), quantity: 1, rec_token: rec_token.to_owned() });
        }
        has_room
    }

    /// The cart as a cookie.
    pub fn cart_cookie(&self) -> HeaderValue {
        let line = |line: &Line| format!("{}~{}~{}", line.id, line.quantity, line.rec_token);
        let text: Vec<String> = self.cart.iter().map(line).collect();
        kept("cart", text.join("|"))
    }
}

/// Only ids without the separators can be in a cart; the demo's shops have no others.
fn lines(text: &str) -> Vec<Line> {
    let line = |text: &str| {
        let mut parts = text.split('~');
        let (id, quantity) = (parts.next()?, parts.next()?.parse().ok()?);
        let rec_token = parts.next().unwrap_or_default().to_owned();
        let is_real = !id.is_empty() && (1..=UNITS_MAX).contains(&quantity);
        is_real.then(|| Line { id: id.to_owned(), quantity, rec_token })
    };
    text.split('|').filter_map(line).take(LINES_MAX).collect()
}

/// A cookie for the session, for this shop's server only.
pub fn kept(name: &'static str, value: String) -> HeaderValue {
    let cookie = Cookie::build((name, value)).path("/").same_site(SameSite::Lax).http_only(true).build();
    header(&cookie)
}

/// The end of a cookie.
pub fn ended(name: &'static str) -> HeaderValue {
    let mut cookie = Cookie::build((name, "")).path("/").same_site(SameSite::Lax).http_only(true).build();
    cookie.make_removal();
    header(&cookie)
}

fn header(cookie: &Cookie<'_>) -> HeaderValue {
    HeaderValue::from_str(&cookie.encoded().to_string()).unwrap_or(HeaderValue::from_static(""))
}

/// 128 random bits; `None` where the system has none to give.
pub fn random_id() -> Option<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(cookie: &str) -> Visitor {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(cookie).expect("a header"));
        Visitor::of(&headers)
    }

    #[test]
    fn without_consent_there_is_no_id_whatever_the_browser_sends() {
        for cookie in ["shopper=a; customer=b", "consent=none; shopper=a; customer=b"] {
            let mut seen = visitor(cookie);
            assert_eq!((seen.settle(), seen.anonymous_id, seen.customer), (false, None, None), "{cookie}");
        }
        let mut seen = visitor("consent=analytics.personalization");
        assert!(seen.settle() && seen.anonymous_id.is_some());
    }

    #[test]
    fn a_cart_survives_its_cookie_and_nonsense_does_not() {
        let mut seen = visitor("cart=a%7E2%7Ert_x%7Cb%7E1%7E; consent=none");
        assert!(seen.add("a", "") && seen.add("c", "rt_y"));
        let cookie =
            seen.cart_cookie().to_str().expect("ASCII").split(';').next().expect("a value").to_owned();
        assert_eq!(visitor(&cookie).cart, seen.cart);
        assert_eq!(seen.units(), 5);
        assert_eq!(visitor("cart=a~0|b~x|~1|%FF|c").cart, []);
    }
}
