//! Words that a shop has named as meaning the same, or as standing for others: one-way and two-way, of one word or several. None
//! is built in.

use crate::analysis::Analyzer;
use bespoke_domain::Problem;
use rustc_hash::FxHashMap;

/// Rules of a shop.
const RULES_MAX: usize = 20_000;
/// Phrases of a side, and words of a phrase.
const PHRASES_MAX: usize = 32;
const WORDS_MAX: usize = 6;

pub use bespoke_domain::settings::Synonym;

/// Terms that stand for a phrase, one after the other.
type Phrase = Vec<String>;

/// Rules ready for use, by the first term of what is searched for.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Synonyms {
    by_first: FxHashMap<String, Vec<(Phrase, Vec<Phrase>)>>,
}

impl Synonyms {
    /// Reads rules for texts that `analyzer` reads; what is wrong is named and left out.
    pub fn new(rules: &[Synonym], analyzer: &Analyzer) -> (Self, Vec<Problem>) {
        let (mut synonyms, mut problems) = (Self::default(), Vec::new());
        if rules.len() > RULES_MAX {
            let detail =
                format!("{} synonyms; at most {RULES_MAX} are used, in the order given", rules.len());
            problems.push(Problem::new("synonyms", "too_many", detail));
        }
        for (row, rule) in rules.iter().take(RULES_MAX).enumerate() {
            let mut side =
                |name: &str, phrases: &[String]| read(analyzer, (row, name), phrases, &mut problems);
            let (from, to) = (side("from", &rule.from), side("to", &rule.to));
            let least = if rule.to.is_empty() { 2 } else { 1 };
            if rule.from.len() < least || from.len() < rule.from.len() || to.len() < rule.to.len() {
                if rule.from.len() < least {
                    let detail = "name two words that mean the same, or one and in `to` what it stands for";
                    problems.push(Problem::new(format!("synonyms.{row}.from"), "too_few", detail));
                }
                continue;
            }
            synonyms.add(&from, &to);
        }
        (synonyms, problems)
    }

    fn add(&mut self, from: &[Phrase], to: &[Phrase]) {
        for phrase in from {
            let others = if to.is_empty() { from } else { to };
            let others: Vec<Phrase> = others.iter().filter(|other| *other != phrase).cloned().collect();
            if let Some(first) = phrase.first() {
                self.by_first.entry(first.clone()).or_default().push((phrase.clone(), others));
            }
        }
    }

    /// What else is meant by the terms that stand at the beginning of `terms`: for how many of them, and what.
    pub fn at<'a>(&'a self, terms: &'a [&str]) -> impl Iterator<Item = (usize, &'a [Phrase])> {
        let rules = terms.first().and_then(|first| self.by_first.get(*first));
        let matches = move |phrase: &Phrase| {
            phrase.len() <= terms.len() && phrase.iter().zip(terms).all(|(own, term)| own == term)
        };
        rules
            .into_iter()
            .flatten()
            .filter(move |(phrase, _)| matches(phrase))
            .map(|(phrase, others)| (phrase.len(), others.as_slice()))
    }
}

/// A side of a rule as terms.
fn read(
    analyzer: &Analyzer,
    (row, side): (usize, &str),
    texts: &[String],
    problems: &mut Vec<Problem>,
) -> Vec<Phrase> {
    if texts.len() > PHRASES_MAX {
        let detail = format!("{} phrases; write at most {PHRASES_MAX} in one rule", texts.len());
        problems.push(Problem::new(format!("synonyms.{row}.{side}"), "too_many", detail));
        return Vec::new();
    }
    let mut phrases = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let first = |piece: crate::analysis::Piece| piece.readings.into_iter().next();
        let terms: Vec<String> =
            analyzer.pieces(text).into_iter().filter_map(first).flatten().map(|token| token.term).collect();
        let problem = match terms.len() {
            0 => Some(("empty", "has no letter and no digit; write a word".to_owned())),
            1..=WORDS_MAX => None,
            many => Some(("too_long", format!("has {many} words; write at most {WORDS_MAX}"))),
        };
        match problem {
            Some((code, detail)) => {
                problems.push(Problem::new(format!("synonyms.{row}.{side}.{at}"), code, detail))
            }
            None => phrases.push(terms),
        }
    }
    phrases
}
