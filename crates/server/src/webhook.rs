//! Messages to an address of the shop's, signed as Standard Webhooks 1.0.0 has it (HMAC-SHA256 over id, time and body).
//! The secret is told to nobody, nor is it written to a log.

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use std::time::Duration;

/// How long an answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(15);
/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// The variable of the environment that holds it.
pub const SECRET_VARIABLE: &str = "BESPOKE_WEBHOOK_SECRET";

/// By what messages are signed; it has no `Debug`, so that it is printed nowhere.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Reads `whsec_` and base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// Where it is not that; what it is is not told.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let Some(encoded) = text.trim().strip_prefix(PREFIX) else {
            bail!("a webhook secret begins with {PREFIX:?}");
        };
        let bytes = STANDARD.decode(encoded);
        let bytes = bytes.ok().with_context(|| format!("a webhook secret is base64 after {PREFIX:?}"))?;
        ensure!((24..=64).contains(&bytes.len()), "a webhook secret has 24 to 64 bytes, encoded as base64");
        Ok(Self(bytes))
    }

    /// The secret of a file's text, else of the environment; `None` where neither is given.
    ///
    /// # Errors
    /// A secret that is none.
    pub fn find(file: Option<String>) -> anyhow::Result<Option<Self>> {
        let text = file.or_else(|| std::env::var(SECRET_VARIABLE).ok().filter(|text| !text.is_empty()));
        text.as_deref().map(Self::parse).transpose()
    }

    /// The header `webhook-signature` of a message.
    pub fn sign(&self, id: &str, time_s: i64, body: &str) -> String {
        // A key of any length is one for HMAC.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{time_s}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The same for each attempt, so that who gets it twice knows.
    pub id: String,
    /// JSON.
    pub body: String,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// It was taken.
    Accepted,
    /// The address is gone (410): it wants nothing more.
    Gone,
    /// Anything else; try again later.
    Failed(String),
}

/// Sends a message once, and follows no redirect.
pub fn send(address: &str, secret: &Secret, message: &Message, time_s: i64) -> Sent {
    let ask = ureq::post(address)
        .header("content-type", "application/json")
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", time_s.to_string())
        .header("webhook-signature", secret.sign(&message.id, time_s, &message.body))
        .config()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(TIMEOUT))
        .build();
    match ask.send(message.body.as_str()).map(|answer| answer.status().as_u16()) {
        Ok(200..=299) => Sent::Accepted,
        Ok(410) => Sent::Gone,
        Ok(status) => Sent::Failed(format!("it answered {status}")),
        Err(error) => Sent::Failed(format!("no answer: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_standard() {
        // The example of the standard's own libraries.
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret_is_said_without_telling_it() {
        for (bad, why) in [
            ("hunter2-hunter2", "begins with"),
            ("whsec_%%%%", "is base64"),
            ("whsec_dG9wc2VjcmV0", "24 to 64 bytes"),
        ] {
            let error = Secret::parse(bad).err().map(|error| format!("{error:#}")).unwrap_or_default();
            assert!(error.contains(why) && !error.contains(&bad[6..]), "{bad}: {error}");
        }
    }
}
