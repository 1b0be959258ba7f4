//! Programs among the shoppers: told by what they call themselves, by what a browser would have sent, and by their pace. Each
//! event gets a score when it comes in; nothing is learnt from those of programs, and nothing is lost of them either.

use axum::http::{HeaderMap, HeaderName, header};
use bespoke_domain::time::MINUTE_MS;
use bespoke_domain::{EventKind, Millis, ShopperNo};

/// What a program calls itself, in lower case.
const NAMES: [&str; 34] = [
    "bot",
    "crawl",
    "spider",
    "slurp",
    "headless",
    "phantomjs",
    "selenium",
    "puppeteer",
    "playwright",
    "curl/",
    "wget/",
    "python",
    "scrapy",
    "libwww",
    "httpclient",
    "http-client",
    "java/",
    "ruby",
    "perl/",
    "php/",
    "node-fetch",
    "axios",
    "guzzle",
    "externalhit",
    "preview",
    "monitor",
    "uptime",
    "pingdom",
    "lighthouse",
    "gtmetrix",
    "archiver",
    "scan",
    "fetcher",
    "indexer",
];
/// Phones whose names contain one of these.
const PEOPLE: [&str; 1] = ["cubot"];
/// Longest user agent that is looked at, in bytes.
const AGENT_MAX: usize = 512;
/// Scores, in per cent: by name, without a name, and for each header that every browser sends.
const BY_NAME: u8 = 100;
const NAMELESS: u8 = 80;
const HEADER_MISSING: u8 = 30;
/// Score of a pace that no hand keeps.
const BY_PACE: u8 = 90;

/// Pages of a minute, and clicks in lists of ten seconds, that no hand reaches.
const PAGES_MAX: u16 = 120;
const CLICKS_MAX: u16 = 20;
const CLICKS_SPAN_MS: i64 = 10_000;
/// For how long a shopper who was too fast counts as a program.
const CAUGHT_MS: i64 = 30 * MINUTE_MS;
/// Shoppers whose pace is remembered; two in one place forget each other.
const PACES: usize = 1 << 14;

/// How likely `agent` is a program, in per cent.
pub fn by_agent(agent: &str) -> u8 {
    let mut end = agent.len().min(AGENT_MAX);
    while !agent.is_char_boundary(end) {
        end -= 1;
    }
    let agent = agent[..end].to_lowercase();
    let is_named = |names: &[&str]| names.iter().any(|name| agent.contains(name));
    match (agent.trim().is_empty(), is_named(&NAMES) && !is_named(&PEOPLE)) {
        (true, _) => NAMELESS,
        (_, true) => BY_NAME,
        (_, false) => 0,
    }
}

/// How likely a program sent a request that should come from a browser, in per cent.
pub fn by_headers(headers: &HeaderMap) -> u8 {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let missing =
        [header::ACCEPT, header::ACCEPT_LANGUAGE].into_iter().filter(|name| !headers.contains_key(name));
    let missing = missing.count() as u8 * HEADER_MISSING;
    by_agent(text(header::USER_AGENT)).saturating_add(missing).min(100)
}

/// One shopper's last minute.
#[derive(Clone, Copy, Default)]
struct Pace {
    shopper: ShopperNo,
    pages: (i64, u16),
    clicks: (i64, u16),
    caught_until: i64,
}

/// The pace of shoppers who are there now, 48 bytes each.
pub struct Paces(Vec<Pace>);

impl Default for Paces {
    fn default() -> Self {
        Self(vec![Pace::default(); PACES])
    }
}

impl Paces {
    /// Notes what a shopper did at `now`; how likely a program did, in per cent.
    pub fn judge(&mut self, shopper: ShopperNo, kind: EventKind, now: Millis) -> u8 {
        let pace = &mut self.0[shopper.index() % PACES];
        if pace.shopper != shopper {
            *pace = Pace { shopper, ..Pace::default() };
        }
        let too_fast = match kind {
            EventKind::PageView | EventKind::ViewItem | EventKind::Search | EventKind::ViewSearchResults => {
                bump(&mut pace.pages, now.0.div_euclid(MINUTE_MS)) > PAGES_MAX
            }
            EventKind::SelectItem => bump(&mut pace.clicks, now.0.div_euclid(CLICKS_SPAN_MS)) > CLICKS_MAX,
            _ => false,
        };
        if too_fast {
            pace.caught_until = now.0 + CAUGHT_MS;
        }
        if now.0 < pace.caught_until { BY_PACE } else { 0 }
    }
}

/// One more in the span; how many in it.
fn bump((span, count): &mut (i64, u16), now: i64) -> u16 {
    if *span != now {
        (*span, *count) = (now, 0);
    }
    *count = count.saturating_add(1);
    *count
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    #[test]
    fn names_tell() {
        for agent in ["Mozilla/5.0 (compatible; Googlebot/2.1)", "curl/8.5.0", "python-requests/2.32", ""] {
            assert!(by_agent(agent) >= 50, "{agent}");
        }
        for agent in [FIREFOX, "Mozilla/5.0 (Linux; Android 11; CUBOT P50) Chrome/120.0 Mobile"] {
            assert_eq!(by_agent(agent), 0, "{agent}");
        }
        assert_eq!(by_agent(&"ä".repeat(1000)), 0);
    }

    #[test]
    fn a_browser_says_what_it_accepts() {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(FIREFOX));
        assert_eq!(by_headers(&headers), 60);
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("de"));
        assert_eq!(by_headers(&headers), 0);
    }

    #[test]
    fn a_pace_that_no_hand_keeps_is_remembered_for_a_while() {
        let mut paces = Paces::default();
        let mut judge = |no: u32, kind, ms| paces.judge(ShopperNo(no), kind, Millis(ms));
        assert!((0..120).all(|at| judge(1, EventKind::ViewItem, at * 400) == 0));
        assert_eq!(judge(1, EventKind::ViewItem, 48_100), BY_PACE);
        assert_eq!(judge(1, EventKind::Purchase, 60_000), BY_PACE, "what it does next is its too");
        assert_eq!(judge(1, EventKind::ViewItem, 60 * MINUTE_MS), 0);
        assert!((0..20).all(|at| judge(2, EventKind::SelectItem, at * 100) == 0));
        assert_eq!(judge(2, EventKind::SelectItem, 3_000), BY_PACE);
    }
}
