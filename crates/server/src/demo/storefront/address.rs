//! Addresses of pages, from ids and paths that may hold any character.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn part(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// A product's page.
pub fn product(id: &str) -> String {
    format!("/p/{}", part(id))
}

/// The same, reached through a decision.
pub fn product_from(id: &str, rec_token: &str) -> String {
    format!("/p/{}?from={}", part(id), part(rec_token))
}

/// The page of comparison, about a product or not.
pub fn compare(product: Option<&str>) -> String {
    product.map_or_else(|| "/compare".to_owned(), |id| format!("/compare?product={}", part(id)))
}

/// What a search finds.
pub fn search(text: &str) -> String {
    format!("/search?q={}", part(text))
}

/// A product's picture.
pub fn picture(id: &str) -> String {
    format!("/picture/{}", part(id))
}

/// The listing of a category, `Home > Kitchen`.
pub fn category(path: &str) -> String {
    let parts: Vec<String> = path.split(" > ").map(part).collect();
    format!("/c/{}", parts.join("/"))
}

/// The category of a listing's address, its parts decoded.
pub fn category_path(address: &str) -> String {
    address.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" > ")
}

/// Where a form leads back to: a page of this shop, whatever was sent.
pub fn back(to: &str) -> &str {
    let is_own = to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\r', '\n']);
    if is_own { to } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_any_id_and_lead_nowhere_else() {
        assert_eq!(product("a/b ?#"), "/p/a%2Fb%20%3F%23");
        assert_eq!(
            (compare(None).as_str(), compare(Some("a&b")).as_str()),
            ("/compare", "/compare?product=a%26b")
        );
        assert_eq!(search("red & mug"), "/search?q=red%20%26%20mug");
        assert_eq!(category("Bags & Purses > Ä"), "/c/Bags%20%26%20Purses/%C3%84");
        assert_eq!(category_path("Home/Kitchen/"), "Home > Kitchen");
        assert_eq!(back("/p/1"), "/p/1");
        for elsewhere in
            ["https://evil.example", "//evil.example", "/\\evil.example", "", "/a\r\nSet-Cookie: x"]
        {
            assert_eq!(back(elsewhere), "/", "{elsewhere}");
        }
    }
}
