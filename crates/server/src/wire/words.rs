//! The language of search, its synonyms and the facets that come first, of placement files and of the API: the same checks for both.

use super::field::{Fields, ID_MAX, object_of};
use super::settings::Reader;
use bespoke_domain::Problem;
use bespoke_domain::settings::{LANGUAGES, Language, SearchSettings, Synonym};
use bespoke_engine::facets::FACETS_MAX;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::Spanned;
use utoipa::ToSchema;

/// Most synonyms.
pub const SYNONYMS_MAX: usize = 5_000;
/// Most words or phrases on either side of one.
const PHRASES_MAX: usize = 20;
/// Most words of a phrase.
const WORDS_MAX: usize = 6;
/// Longest phrase, in bytes.
const PHRASE_MAX: usize = 100;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchToml {
    language: Option<Spanned<String>>,
    #[serde(default)]
    facets: Option<Spanned<Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SynonymToml {
    from: Vec<String>,
    #[serde(default)]
    to: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn search(
        &mut self,
        search: SearchToml,
        synonyms: Vec<Spanned<SynonymToml>>,
    ) -> SearchSettings {
        let mut language = Language::default();
        if let Some(code) = &search.language {
            match parse_language(code.get_ref()) {
                Ok(known) => language = known,
                Err(problem) => self.fault(code.span().start, problem.inside("search")),
            }
        }
        if let Some(first) = synonyms.get(SYNONYMS_MAX) {
            self.fault(first.span().start, too_many());
        }
        let mut kept = Vec::with_capacity(synonyms.len().min(SYNONYMS_MAX));
        for synonym in synonyms.into_iter().take(SYNONYMS_MAX) {
            let at = synonym.span().start;
            let SynonymToml { from, to } = synonym.into_inner();
            let synonym = Synonym { from, to };
            if let Err(problem) = check(&synonym) {
                self.fault(at, problem.inside("synonym"));
            }
            kept.push(synonym);
        }
        let mut facets = Vec::new();
        if let Some(named) = search.facets {
            match check_facets(named.get_ref()) {
                Ok(()) => facets.clone_from(named.get_ref()),
                Err(problem) => self.fault(named.span().start, problem.inside("search")),
            }
        }
        SearchSettings { language, synonyms: kept, facets }
    }
}

fn too_many() -> Problem {
    Problem::new("synonyms", "too_many", format!("must be at most {SYNONYMS_MAX}"))
}

fn parse_language(code: &str) -> Result<Language, Problem> {
    Language::parse(code).ok_or_else(|| {
        let codes: Vec<&str> = LANGUAGES.iter().map(|(_, code)| *code).collect();
        let detail = format!("{code:?} is none of {}; \"other\" leaves words as they are", codes.join(", "));
        Problem::new("language", "unknown_language", detail)
    })
}

/// Few enough, each with a name.
fn check_facets(facets: &[String]) -> Result<(), Problem> {
    let is_bad = |name: &String| name.trim().is_empty() || name.len() > ID_MAX;
    if facets.len() > FACETS_MAX || facets.iter().any(is_bad) {
        let detail = format!(
            "must be at most {FACETS_MAX} names of attributes, brand, category, price or rating, each at most {ID_MAX} bytes"
        );
        return Err(Problem::new("facets", "invalid_value", detail));
    }
    Ok(())
}

/// Two ways of saying it at least, each with something to find in it.
fn check(synonym: &Synonym) -> Result<(), Problem> {
    let least = if synonym.to.is_empty() { 2 } else { 1 };
    if !(least..=PHRASES_MAX).contains(&synonym.from.len()) {
        let detail = format!(
            "must be {least} to {PHRASES_MAX} words or phrases: 2 where they stand for each other, 1 beside `to`"
        );
        return Err(Problem::new("from", "wrong_count", detail));
    }
    if synonym.to.len() > PHRASES_MAX {
        return Err(Problem::new("to", "wrong_count", format!("must be at most {PHRASES_MAX}")));
    }
    for (name, list) in [("from", &synonym.from), ("to", &synonym.to)] {
        let is_long =
            |phrase: &str| phrase.len() > PHRASE_MAX || phrase.split_whitespace().count() > WORDS_MAX;
        let is_bad = |phrase: &&String| is_long(phrase) || !phrase.contains(char::is_alphanumeric);
        if let Some(bad) = list.iter().find(is_bad) {
            let detail = format!(
                "{bad:?} must have a letter or a digit in it, and at most {WORDS_MAX} words and {PHRASE_MAX} bytes"
            );
            return Err(Problem::new(name, "invalid_value", detail));
        }
    }
    Ok(())
}

/// What is set of search, over HTTP.
#[derive(Serialize, ToSchema, Debug)]
pub struct SearchSettingsBody {
    /// en, de, fr, es, it, nl or other: the language of the catalogue's texts.
    pub language: String,
    /// Words that mean the same, at most 5,000.
    pub synonyms: Vec<SynonymBody>,
    /// Facets that come first, in this order, where results have them and the request names none; at most 20.
    pub facets: Vec<String>,
}

/// Words that mean the same, or nearly.
#[derive(Serialize, ToSchema, Debug)]
pub struct SynonymBody {
    /// Words or phrases that a shopper may write.
    pub from: Vec<String>,
    /// What is searched for besides them, and not the other way round; empty = each of `from` stands for all others.
    pub to: Vec<String>,
}

impl SearchSettingsBody {
    /// The body of what is set.
    pub fn of(search: &SearchSettings) -> Self {
        let synonym = |one: &Synonym| SynonymBody { from: one.from.clone(), to: one.to.clone() };
        Self {
            language: search.language.code().to_owned(),
            synonyms: search.synonyms.iter().map(synonym).collect(),
            facets: search.facets.clone(),
        }
    }
}

/// Reads a change: what it does not name stays as it is.
pub fn parse_change(body: &[u8], before: &SearchSettings) -> Result<SearchSettings, Problem> {
    let mut fields = object_of(body)?;
    let language = fields.text("language", 16)?;
    let language = language.map_or(Ok(before.language), |code| parse_language(&code))?;
    let synonyms = match fields.take("synonyms") {
        None => before.synonyms.clone(),
        Some(Value::Array(list)) if list.len() > SYNONYMS_MAX => return Err(too_many()),
        Some(Value::Array(list)) => {
            let one = |(at, value): (usize, Value)| {
                parse_synonym(value).map_err(|problem| problem.inside(&format!("synonyms.{at}")))
            };
            list.into_iter().enumerate().map(one).collect::<Result<_, _>>()?
        }
        Some(_) => return Err(Problem::new("synonyms", "wrong_type", "must be a list")),
    };
    let facets = if fields.0.contains_key("facets") {
        fields.texts("facets", FACETS_MAX, ID_MAX)?
    } else {
        before.facets.clone()
    };
    check_facets(&facets)?;
    fields.none_left()?;
    Ok(SearchSettings { language, synonyms, facets })
}

fn parse_synonym(value: Value) -> Result<Synonym, Problem> {
    let mut fields = Fields::of(value, "synonym")?;
    let from = fields.texts("from", PHRASES_MAX, PHRASE_MAX)?;
    let to = fields.texts("to", PHRASES_MAX, PHRASE_MAX)?;
    fields.none_left()?;
    let synonym = Synonym { from, to };
    check(&synonym)?;
    Ok(synonym)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placements;
    use serde_json::json;

    const SHOP: &str = "[shop]\ncurrency = \"EUR\"\ntime_zone = \"UTC\"\n";

    fn file(lines: &str) -> Result<SearchSettings, Vec<String>> {
        placements::parse(&format!("{SHOP}{lines}")).map(|settings| settings.search).map_err(|faults| {
            faults.iter().map(|fault| format!("{}: {}", fault.line, fault.problem)).collect()
        })
    }

    #[test]
    fn the_same_is_read_from_a_file_and_over_http() {
        let lines = "[search]\nlanguage = \"de\"\n\n[[synonym]]\nfrom = [\"sofa\", \"couch\"]\n\n\
                     [[synonym]]\nfrom = [\"sneaker\"]\nto = [\"running shoes\"]\n";
        let read = file(lines).expect("it is as it must be");
        assert_eq!((read.language, read.synonyms.len()), (Language::German, 2));
        assert_eq!(read.synonyms[1].to, ["running shoes"]);
        let body = json!({"language": "de", "synonyms": [
            {"from": ["sofa", "couch"]}, {"from": ["sneaker"], "to": ["running shoes"]}]});
        assert_eq!(parse_change(body.to_string().as_bytes(), &SearchSettings::default()), Ok(read.clone()));
        let partly = parse_change(br#"{"language":"nl"}"#, &read).expect("it is good");
        assert_eq!((partly.language, partly.synonyms), (Language::Dutch, read.synonyms));
        assert_eq!(file("").expect("nothing need be said"), SearchSettings::default());
    }

    #[test]
    fn every_fault_names_its_field() {
        let cases = [
            ("[search]\nlanguage = \"xx\"", "5: search.language: \"xx\" is none of en, de"),
            ("[[synonym]]\nfrom = [\"sofa\"]", "4: synonym.from: must be 2 to 20"),
            ("[[synonym]]\nfrom = []\nto = [\"a\"]", "4: synonym.from: must be 1 to 20"),
            ("[[synonym]]\nfrom = [\"a\", \"–\"]", "4: synonym.from: \"–\" must have a letter"),
        ];
        for (lines, said) in cases {
            let found = file(lines).expect_err("it has a fault");
            assert!(found.len() == 1 && found[0].starts_with(said), "{lines}: {found:?}");
        }
        let over_http = |body: Value| {
            parse_change(body.to_string().as_bytes(), &SearchSettings::default())
                .expect_err("it has a fault")
                .field
        };
        assert_eq!(over_http(json!({"language": "xx"})), "language");
        assert_eq!(
            over_http(json!({"synonyms": [{"from": ["a", "b"]}, {"from": ["a"]}]})),
            "synonyms.1.from"
        );
        assert_eq!(over_http(json!({"synonyms": 3})), "synonyms");
        assert_eq!(over_http(json!({"synonym": []})), "synonym");
    }
}
