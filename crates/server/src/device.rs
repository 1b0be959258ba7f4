//! On what something was done, by the user agent, where the event does not say it itself. The user agent is not kept.

use axum::http::{HeaderMap, header};
use bespoke_domain::event::Device;

/// Longest user agent that is looked at, in bytes.
const AGENT_MAX: usize = 512;

/// The device of a user agent: of a browser, by the words that all of them use. An app names itself in the event.
pub fn by_agent(agent: &str) -> Device {
    let agent: String = agent.chars().take(AGENT_MAX).collect::<String>().to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| agent.contains(word));
    let is_android_without_mobile = has(&["android"]) && !has(&["mobile"]);
    match () {
        () if has(&["ipad", "tablet", "kindle", "silk/"]) || is_android_without_mobile => Device::Tablet,
        () if has(&["mobi", "iphone", "ipod", "opera mini"]) => Device::Mobile,
        () if has(&["windows nt", "macintosh", "x11", "cros "]) => Device::Desktop,
        () => Device::Unknown,
    }
}

/// The device of a request from a browser.
pub fn by_headers(headers: &HeaderMap) -> Device {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    agent.map_or(Device::Unknown, by_agent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_known_by_what_they_call_themselves() {
        for (agent, device) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
                Device::Mobile,
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36",
                Device::Mobile,
            ),
            (
                "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
                Device::Tablet,
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
                Device::Tablet,
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
                Device::Desktop,
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15",
                Device::Desktop,
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
                Device::Desktop,
            ),
            ("okhttp/4.12.0", Device::Unknown),
            ("", Device::Unknown),
        ] {
            assert_eq!(by_agent(agent), device, "{agent}");
        }
    }
}
