//! Words that mean the same, or stand for others: one-way and two-way, of one word or several. What the shop names, and everyday
//! words (`everyday`) for phrases that the shop has no rule for.

use super::everyday;
use crate::analysis::Analyzer;
use bespoke_domain::Problem;
use rustc_hash::FxHashMap;

/// Rules of a shop.
const RULES_MAX: usize = 20_000;
/// Phrases of a side, and words of a phrase.
const PHRASES_MAX: usize = 32;
const WORDS_MAX: usize = 6;
/// What a synonym counts that the shop has named, and one that many shops would.
const WEIGHT_OWN: f32 = 0.9;
const WEIGHT_EVERYDAY: f32 = 0.8;

pub use bespoke_domain::settings::Synonym;

/// Terms that stand for a phrase, one after the other.
type Phrase = Vec<String>;

/// Rules ready for use, by the first term of what is searched for.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Synonyms {
    by_first: FxHashMap<String, Vec<Rule>>,
}

/// What else a phrase means.
#[derive(Clone, PartialEq, Debug)]
struct Rule {
    phrase: Phrase,
    others: Vec<Phrase>,
    weight: f32,
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
            synonyms.add(&from, &to, WEIGHT_OWN);
        }
        synonyms.add_everyday(analyzer);
        (synonyms, problems)
    }

    fn add(&mut self, from: &[Phrase], to: &[Phrase], weight: f32) {
        for phrase in from {
            let others = if to.is_empty() { from } else { to };
            let others: Vec<Phrase> = others.iter().filter(|other| *other != phrase).cloned().collect();
            if let Some(first) = phrase.first() {
                let rule = Rule { phrase: phrase.clone(), others, weight };
                self.by_first.entry(first.clone()).or_default().push(rule);
            }
        }
    }

    /// Adds everyday words, but for phrases that the shop has a rule for.
    fn add_everyday(&mut self, analyzer: &Analyzer) {
        let own = self.clone();
        let is_free = |phrase: &Phrase| {
            let rules = phrase.first().and_then(|first| own.by_first.get(first));
            !rules.is_some_and(|rules| rules.iter().any(|rule| rule.phrase == *phrase))
        };
        let side =
            |text: &str| -> Vec<Phrase> { text.split(", ").map(|one| phrase(analyzer, one)).collect() };
        for line in everyday::of(analyzer.language()) {
            let (from, to) = line.split_once(" > ").unwrap_or((line, ""));
            let (mut from, to) = (side(from), if to.is_empty() { side(from) } else { side(to) });
            from.retain(is_free);
            self.add(&from, &to, crate::knob("EVERYDAY", WEIGHT_EVERYDAY));
        }
    }

    /// What else is meant by the terms that stand at the beginning of `terms`: for how many of them, what, and how much it counts.
    pub fn at<'a>(&'a self, terms: &'a [&str]) -> impl Iterator<Item = (usize, &'a [Phrase], f32)> {
        let rules = terms.first().and_then(|first| self.by_first.get(*first));
        let matches = move |phrase: &Phrase| {
            phrase.len() <= terms.len() && phrase.iter().zip(terms).all(|(own, term)| own == term)
        };
        rules
            .into_iter()
            .flatten()
            .filter(move |rule| matches(&rule.phrase))
            .map(|rule| (rule.phrase.len(), rule.others.as_slice(), rule.weight))
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
        let terms = phrase(analyzer, text);
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

/// A text as terms.
fn phrase(analyzer: &Analyzer, text: &str) -> Phrase {
    let first = |piece: crate::analysis::Piece| piece.readings.into_iter().next();
    analyzer.pieces(text).into_iter().filter_map(first).flatten().map(|token| token.term).collect()
}
