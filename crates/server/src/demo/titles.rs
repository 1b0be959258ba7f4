//! Titles from the descriptions: which description is a name at all, and how it reads when it is not shouted.

/// Descriptions that are notes or services even on a priced line, in upper case.
const NOT_TITLES: &[&str] = &[
    "ADJUSTMENT",
    "AMAZON",
    "BROKEN",
    "CHECK",
    "CHECKED",
    "DAMAGED",
    "DAMAGES",
    "DISPLAY",
    "DOTCOM",
    "FAULTY",
    "FBA",
    "FOUND",
    "HIGH RESOLUTION IMAGE",
    "LOST",
    "MAILOUT",
    "MANUAL",
    "MIA",
    "MISSING",
    "NEXT DAY CARRIAGE",
    "SAMPLES",
    "TEST",
    "WET/MOULDY",
    "WRONGLY CODED",
];

/// Words inside a title that stay in lower case.
const SMALL_WORDS: &[&str] =
    &["a", "and", "at", "by", "de", "for", "from", "in", "of", "on", "or", "the", "to", "with"];

/// Words that stay in upper case.
const ACRONYMS: &[&str] = &["BBQ", "CD", "DIY", "DVD", "LED", "RSVP", "TV", "UK", "USA"];

/// The title of a product: its most frequent good description, the earlier one of equals. Whitespace is collapsed.
pub(super) fn best(descriptions: &[(String, u32)]) -> Option<String> {
    let good = descriptions.iter().filter(|(text, _)| is_title(text));
    // `max_by_key` takes the last of equals, hence from the back.
    good.rev().max_by_key(|(_, count)| *count).map(|(text, _)| readable(text))
}

/// Whether a description names a product rather than a mishap.
fn is_title(description: &str) -> bool {
    let first_letter = description.chars().find(|c| c.is_alphabetic());
    let upper = description.to_uppercase();
    first_letter.is_some_and(char::is_uppercase)
        && !description.contains('?')
        && !upper.contains("GIFT VOUCHER")
        && !NOT_TITLES.contains(&upper.as_str())
        && !upper.starts_with("WRONG")
}

/// `WHITE HANGING HEART T-LIGHT HOLDER` → `White Hanging Heart T-Light Holder`.
fn readable(description: &str) -> String {
    let trimmed = description.trim_matches(|c: char| c.is_whitespace() || "*,./".contains(c));
    let words = trimmed.split_whitespace().enumerate().map(|(at, word)| readable_word(word, at == 0));
    words.collect::<Vec<_>>().join(" ")
}

fn readable_word(word: &str, is_first: bool) -> String {
    let lower = word.to_lowercase();
    if ACRONYMS.contains(&word) || (!is_first && SMALL_WORDS.contains(&lower.as_str())) {
        return if ACRONYMS.contains(&word) { word.to_owned() } else { lower };
    }
    let mut previous = ' ';
    let mut out = String::with_capacity(word.len());
    for (at, c) in lower.chars().enumerate() {
        // After a digit it is a unit (`12cm`, `1st`); after an apostrophe an ending (`dolly's`), unless it opens a word.
        let inside = previous.is_alphanumeric() || (previous == '\'' && at > 1);
        if inside {
            out.push(c)
        } else {
            out.extend(c.to_uppercase())
        }
        previous = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_not_shouted() {
        for (description, title) in [
            ("WHITE HANGING HEART T-LIGHT HOLDER", "White Hanging Heart T-Light Holder"),
            ("SET OF 3  CAKE TINS PANTRY DESIGN ", "Set of 3 Cake Tins Pantry Design"),
            ("CHARLIE+LOLA\"EXTREMELY BUSY\" SIGN", "Charlie+Lola\"Extremely Busy\" Sign"),
            ("DOLLY'S 12CM MUG", "Dolly's 12cm Mug"),
            ("BAG 125g SWIRLY MARBLES", "Bag 125g Swirly Marbles"),
            ("THE KING GIFT BAG 25x24x12cm", "The King Gift Bag 25x24x12cm"),
            ("*USB Office Mirror Ball", "Usb Office Mirror Ball"),
            ("TV DINNER TRAY", "TV Dinner Tray"),
        ] {
            assert_eq!(readable(description), title);
        }
    }

    #[test]
    fn the_most_frequent_name_wins_and_notes_never_do() {
        let counted =
            |list: &[(&str, u32)]| list.iter().map(|(text, n)| ((*text).to_owned(), *n)).collect::<Vec<_>>();
        let list = counted(&[("RED MUG", 2), ("damaged", 9), ("BLUE MUG", 5), ("?", 7), ("CREAM MUG", 5)]);
        assert_eq!(best(&list).as_deref(), Some("Blue Mug"));
        for note in [
            "",
            "?",
            "lost",
            "Damaged",
            "AMAZON",
            "wrongly coded 20713",
            "Next Day Carriage",
            "20713",
            "CHECK?",
        ] {
            assert_eq!(best(&counted(&[(note, 3)])), None, "{note}");
        }
    }
}
