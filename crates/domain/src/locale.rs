//! Languages of texts and of pages, as BCP 47 tags (RFC 5646): `de`, `de-AT`, `zh-Hant-TW`.

use crate::settings::Language;

/// Longest tag in bytes: what RFC 5646 asks programs to have room for.
pub const LOCALE_MAX: usize = 35;

/// A tag as it is written: language in lower case, script in title case, region in capitals. `None` where it is no tag.
pub fn canonical(tag: &str) -> Option<String> {
    let tag = tag.trim();
    let mut parts = tag.split('-');
    let language = parts.next().filter(|part| is_letters(part) && matches!(part.len(), 2 | 3))?;
    let mut written = language.to_ascii_lowercase();
    // Behind a letter that stands alone nothing is a script or a region.
    let (mut is_extension, mut is_open) = (false, false);
    for part in parts {
        let is_part = (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_part.then_some(())?;
        written.push('-');
        written += &match part.len() {
            4 if is_letters(part) && !is_extension => {
                part[..1].to_ascii_uppercase() + &part[1..].to_ascii_lowercase()
            }
            2 if is_letters(part) && !is_extension => part.to_ascii_uppercase(),
            _ => part.to_ascii_lowercase(),
        };
        is_open = part.len() == 1;
        is_extension |= is_open;
    }
    (tag.len() <= LOCALE_MAX && !is_open).then_some(written)
}

fn is_letters(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// The language of a tag, its first part: `de` of `de-AT`; empty where there is none.
pub fn language(tag: &str) -> &str {
    tag.split('-').next().unwrap_or_default()
}

/// The language by whose endings texts with a tag are read; [`Language::Other`] where they are not known.
pub fn read_as(tag: &str) -> Language {
    Language::parse(language(tag)).unwrap_or(Language::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_written_in_one_way_and_what_is_none_is_told() {
        for (tag, written) in [
            ("de", "de"),
            (" DE-at ", "de-AT"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("sl-ROZAJ-biske", "sl-rozaj-biske"),
            ("de-u-CO-phonebk", "de-u-co-phonebk"),
        ] {
            assert_eq!(canonical(tag).as_deref(), Some(written), "{tag}");
        }
        for tag in
            ["", "d", "german", "de_AT", "de-", "de--AT", "de AT", "de,en", "7z", "de-ü", "x-klingon", "de-u"]
        {
            assert_eq!(canonical(tag), None, "{tag}");
        }
        assert_eq!(canonical(&format!("de{}", "-abcdefgh".repeat(4))), None, "too long");
    }

    #[test]
    fn a_language_without_known_endings_is_another() {
        assert_eq!((language("de-AT"), language("pl"), language("")), ("de", "pl", ""));
        assert_eq!((read_as("de-AT"), read_as("pl")), (Language::German, Language::Other));
        assert_eq!(read_as("other"), Language::Other);
    }
}
