//! Whether a word begins with what was typed, to the letter or but for one edit: a letter too many, too few, another one, or two
//! swapped. The first letter is always right, and only four letters or more may be wrong: nearly everything is near to three.

/// Fewest letters typed of which one may be wrong.
pub const EDIT_MIN: usize = 4;

/// How many letters of `word` `typed` stands for, and whether it stands there to the letter; `None` where it does not begin so.
pub fn begins(word: &str, typed: &str) -> Option<(usize, bool)> {
    if word.starts_with(typed) {
        return Some((typed.chars().count(), true));
    }
    if word.chars().next() != typed.chars().next() {
        return None;
    }
    let (word, typed): (Vec<char>, Vec<char>) = (word.chars().collect(), typed.chars().collect());
    let same = word.iter().zip(&typed).take_while(|(a, b)| a == b).count();
    if typed.len() < EDIT_MIN {
        return None;
    }
    let goes_on = |from: usize, with: usize| {
        let rest = typed.get(with..).unwrap_or_default();
        word.get(from..).unwrap_or_default().starts_with(rest).then_some(from + rest.len())
    };
    let is_swapped = word.len() > same + 1
        && typed.len() > same + 1
        && (word[same], word[same + 1]) == (typed[same + 1], typed[same]);
    let another = if word.len() > same { goes_on(same + 1, same + 1) } else { None };
    let swapped = if is_swapped { goes_on(same + 2, same + 2) } else { None };
    let letters = another.or(swapped).or(goes_on(same, same + 1)).or(goes_on(same + 1, same))?;
    Some((letters, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_may_be_wrong_but_not_the_first() {
        for (word, typed, expected) in [
            ("retrospot", "retro", Some((5, true))),
            ("retrospot", "rerto", Some((5, false))),
            ("retrospot", "retor", Some((5, false))),
            ("retrospot", "retrro", Some((5, false))),
            ("retrospot", "reto", Some((4, false))),
            ("retrospot", "retrxspot", Some((9, false))),
            ("retrospot", "rettrxo", None),
            ("retrospot", "tetro", None),
            ("red", "rex", None),
            ("lamp", "lampq", Some((4, false))),
            ("lamp", "lamps", Some((4, false))),
            ("lamp", "lampsq", None),
            ("kuche", "kuceh", Some((5, false))),
        ] {
            assert_eq!(begins(word, typed), expected, "{word} {typed}");
        }
    }
}
