//! How many letters two words are apart: left out, put in, replaced, or swapped with the one beside (optimal string alignment),
//! 64 letters at a time in the bits of a number (Hyyrö, "A bit-vector algorithm for computing Levenshtein and Damerau edit
//! distances", 2003).

/// A word that others are compared with.
pub(super) struct Pattern {
    letters: usize,
    ascii: [u64; 128],
    others: Vec<(char, u64)>,
}

impl Pattern {
    /// Of at most 64 letters; later ones are left out.
    pub fn new(word: &str) -> Self {
        let mut pattern = Self { letters: 0, ascii: [0; 128], others: Vec::new() };
        for (at, c) in word.chars().take(64).enumerate() {
            pattern.letters = at + 1;
            if let Some(places) = pattern.ascii.get_mut(c as usize) {
                *places |= 1 << at;
            } else if let Some((_, places)) = pattern.others.iter_mut().find(|(held, _)| *held == c) {
                *places |= 1 << at;
            } else {
                pattern.others.push((c, 1 << at));
            }
        }
        pattern
    }

    fn places(&self, c: char) -> u64 {
        let other = || self.others.iter().find(|(held, _)| *held == c).map_or(0, |(_, places)| *places);
        self.ascii.get(c as usize).copied().unwrap_or_else(other)
    }

    /// Edits between the pattern and a word.
    pub fn distance(&self, word: &str) -> usize {
        if self.letters == 0 {
            return word.chars().count();
        }
        let last = 1u64 << (self.letters - 1);
        let (mut more, mut less, mut same, mut before) = (u64::MAX, 0, 0, 0);
        let mut distance = self.letters;
        for c in word.chars() {
            let at = self.places(c);
            let swapped = (((!same) & at) << 1) & before;
            same = ((at & more).wrapping_add(more) ^ more) | at | less | swapped;
            let (rises, falls) = (less | !(same | more), same & more);
            distance += usize::from(rises & last != 0);
            distance -= usize::from(falls & last != 0);
            let (rises, falls) = ((rises << 1) | 1, falls << 1);
            more = falls | !(same | rises);
            less = rises & same;
            before = at;
        }
        distance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The table that the definition describes.
    fn by_table(a: &str, b: &str) -> usize {
        let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                let mut least = if i == 0 || j == 0 { i + j } else { usize::MAX };
                if i > 0 && j > 0 {
                    let replaced = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    least = replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                }
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(table[i - 2][j - 2] + 1);
                }
                table[i][j] = least;
            }
        }
        table[a.len()][b.len()]
    }

    proptest! {
        #[test]
        fn the_bits_say_what_the_table_says(a in "[abcß日]{0,12}", b in "[abcß日]{0,12}") {
            let pattern = Pattern::new(&a);
            prop_assert_eq!(pattern.distance(&b), by_table(&a, &b));
        }
    }
}
