//! Content blocks of a placement file, `[[content]]`, and how a placement tries them, `bandit`.

use super::settings::{PlacementToml, Reader};
use bespoke_domain::content::{BLOCKS_MAX, Bandit, Block, PLACED_MAX, TRAITS, Trait};
use bespoke_domain::settings::{Placement, Shows, SourceUse};
use bespoke_domain::{Problem, settings::ScorerUse};
use bespoke_engine::source::CONTENT;
use serde::Deserialize;
use toml::Spanned;

/// Longest title, text and address, in bytes.
const TITLE_MAX: usize = 200;
const TEXT_MAX: usize = 2_000;
const ADDRESS_MAX: usize = 2_000;
/// Longest window, in minutes: a week.
const WINDOW_MAX: u32 = 7 * 24 * 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BlockToml {
    name: String,
    placements: Vec<String>,
    title: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    image: String,
    #[serde(default)]
    link: String,
    #[serde(default)]
    markets: Vec<String>,
    when: Option<String>,
    from: Option<String>,
    until: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BanditToml {
    #[serde(default = "default_floor")]
    floor: f64,
    #[serde(default = "default_window")]
    window_minutes: u32,
    #[serde(default)]
    half_life_days: f64,
    #[serde(default)]
    by: Vec<String>,
}

fn default_floor() -> f64 {
    Bandit::default().floor
}

fn default_window() -> u32 {
    Bandit::default().window_min
}

/// Whether it is an address that a page may lead to: of the web, or of the shop itself.
fn is_address(text: &str) -> bool {
    let is_own = text.starts_with('/') && !text.starts_with("//");
    (is_own || text.starts_with("https://") || text.starts_with("http://"))
        && !text.contains(|one: char| one.is_control() || one.is_whitespace())
}

impl Reader<'_> {
    pub(super) fn content(&mut self, files: Vec<Spanned<BlockToml>>, placements: &[Placement]) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        for file in files {
            let at = file.span().start;
            if blocks.len() == BLOCKS_MAX {
                let detail = format!("must be at most {BLOCKS_MAX}; take out those that are over");
                self.fault(at, Problem::new("content", "too_many", detail));
                break;
            }
            let file = file.into_inner();
            let name = &file.name;
            if name.is_empty() || name.len() > 64 || blocks.iter().any(|block| block.name == *name) {
                let detail = "must be unique, with 1 to 64 characters";
                self.fault(at, Problem::new("name", "invalid_name", detail));
            }
            let block = self.block(at, file);
            for name in &block.placements {
                self.check_placed(at, name, (placements, &blocks));
            }
            blocks.push(block);
        }
        blocks
    }

    fn check_placed(&mut self, at: usize, name: &str, (placements, blocks): (&[Placement], &[Block])) {
        let problem = match placements.iter().find(|one| one.name == name) {
            None => format!("there is no placement {name:?}"),
            Some(one) if one.shows != Shows::Content => {
                format!("{name:?} shows no content; set `shows = \"content\"` there")
            }
            Some(_) => {
                let count =
                    blocks.iter().filter(|block| block.placements.iter().any(|one| one == name)).count();
                if count < PLACED_MAX {
                    return;
                }
                format!("{name:?} has {PLACED_MAX} blocks already, which is the most")
            }
        };
        self.fault(at, Problem::new("placements", "unknown_placement", problem));
    }

    fn block(&mut self, at: usize, file: BlockToml) -> Block {
        if file.placements.is_empty() {
            let detail = "name the placements where it may be shown";
            self.fault(at, Problem::new("placements", "missing", detail));
        }
        let texts = [
            ("title", &file.title, TITLE_MAX),
            ("text", &file.text, TEXT_MAX),
            ("image", &file.image, ADDRESS_MAX),
            ("link", &file.link, ADDRESS_MAX),
        ];
        for (field, text, most) in texts {
            if text.len() > most {
                self.fault(at, Problem::new(field, "too_long", format!("must have at most {most} bytes")));
            }
        }
        if file.title.trim().is_empty() {
            self.fault(at, Problem::new("title", "missing", "must say something"));
        }
        for (field, text) in [("image", &file.image), ("link", &file.link)] {
            if !text.is_empty() && !is_address(text) {
                let detail = "must begin with https://, http:// or /, without spaces";
                self.fault(at, Problem::new(field, "invalid_address", detail));
            }
        }
        let (from, until) =
            (self.time(at, "from", file.from.as_deref()), self.time(at, "until", file.until.as_deref()));
        if let (Some(from), Some(until)) = (from, until)
            && until <= from
        {
            self.fault(at, Problem::new("until", "out_of_range", "must be after `from`"));
        }
        Block {
            name: file.name,
            placements: file.placements,
            title: file.title,
            text: file.text,
            image: file.image,
            link: file.link,
            markets: file.markets,
            when: self.condition(at, "when", file.when.as_deref()),
            from,
            until,
        }
    }

    pub(super) fn bandit(&mut self, file: Spanned<BanditToml>) -> Bandit {
        let at = file.span().start;
        let file = file.into_inner();
        if !(0.01..=0.5).contains(&file.floor) {
            let detail = "must be from 0.01 to 0.5: the least probability of a block; without 1 % what is tried could not be measured";
            self.fault(at, Problem::new("bandit.floor", "out_of_range", detail));
        }
        if !(1..=WINDOW_MAX).contains(&file.window_minutes) {
            let detail = format!("must be from 1 to {WINDOW_MAX}");
            self.fault(at, Problem::new("bandit.window_minutes", "out_of_range", detail));
        }
        if !(file.half_life_days == 0.0 || (0.1..=3650.0).contains(&file.half_life_days)) {
            let detail = "must be from 0.1 to 3650, or 0: nothing is forgotten";
            self.fault(at, Problem::new("bandit.half_life_days", "out_of_range", detail));
        }
        let mut by: Vec<Trait> = Vec::new();
        for name in &file.by {
            match TRAITS.iter().find(|(_, held)| held == name) {
                Some((one, _)) if !by.contains(one) => by.push(*one),
                _ => {
                    let names = TRAITS.map(|(_, name)| name).join(", ");
                    let detail = format!("{name:?} is none of {names}, or stands there twice");
                    self.fault(at, Problem::new("bandit.by", "unknown_name", detail));
                }
            }
        }
        Bandit { floor: file.floor, window_min: file.window_minutes, half_life_days: file.half_life_days, by }
    }

    /// What only placements of content may have, and what they may not.
    pub(super) fn check_shows(&mut self, file: &PlacementToml) {
        let at = file.name.span().start;
        if !file.shows_content() {
            if file.sources.iter().any(|source| source.get_ref().source == CONTENT.name) {
                let detail =
                    "only placements with `shows = \"content\"` have content, and they name no source";
                self.fault(at, Problem::new("sources", "wrong_source", detail));
            }
            if file.bandit.is_some() {
                let detail = "only a placement with `shows = \"content\"` has a bandit";
                self.fault(at, Problem::new("bandit", "wrong_placement", detail));
            }
            return;
        }
        let has_bandit = file.bandit.is_some();
        let is_reserve = |rule: &Spanned<super::settings::RuleToml>| rule.get_ref().rule == "reserve";
        for (field, is_wrong) in [
            ("sources", !file.sources.is_empty()),
            ("scorers", !file.scorers.is_empty()),
            ("filters", !file.filters.is_empty()),
            ("objective", file.objective.is_some()),
            ("explore", file.explore.is_some()),
            ("form", !file.is_slate()),
            ("min_evidence", file.min_evidence != 0),
            ("rule", has_bandit && file.rules.iter().any(is_reserve)),
        ] {
            if is_wrong {
                let detail = if field == "rule" {
                    "a bandit keeps no slots: take out `reserve`, or pin"
                } else {
                    "a placement of content takes its `[[content]]` blocks in order; leave this out"
                };
                self.fault(at, Problem::new(field, "wrong_placement", detail));
            }
        }
    }

    /// The sources and scorers of a placement.
    pub(super) fn yielding(&mut self, file: &mut PlacementToml) -> (Vec<SourceUse>, Vec<ScorerUse>) {
        if file.shows_content() {
            let blocks = SourceUse {
                source: CONTENT.name.to_owned(),
                weight: 1.0,
                limit: PLACED_MAX as u16,
                items: Vec::new(),
                params: Vec::new(),
            };
            return (vec![blocks], Vec::new());
        }
        let (sources, scorers) = (std::mem::take(&mut file.sources), std::mem::take(&mut file.scorers));
        let sources = sources.into_iter().map(|source| self.source(source)).collect();
        (sources, scorers.into_iter().map(|scorer| self.scorer(scorer)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::is_address;
    use crate::placements::parse;

    const GOOD: &str = r#"[shop]
currency = "EUR"
time_zone = "UTC"
[[placement]]
name = "banner"
headline = ""
shows = "content"
slots = 1
bandit = { floor = 0.05, window_minutes = 30, half_life_days = 14, by = ["returning"] }
[[placement]]
name = "home"
headline = "For you"
slots = 4
sources = [{ source = "popular", weight = 1.0, limit = 10 }]
[[content]]
name = "summer"
placements = ["banner"]
title = "Summer"
link = "/summer"
when = "page = home"
[[content]]
name = "autumn"
placements = ["banner"]
title = "Autumn"
"#;

    fn faults(text: &str) -> Vec<String> {
        let faults = parse(text).expect_err("it has a fault");
        faults.iter().map(|fault| format!("{} {}", fault.problem.field, fault.problem.code)).collect()
    }

    #[test]
    fn blocks_and_bandits_are_read() {
        let settings = parse(GOOD).expect("it is as it must be");
        let placement = &settings.placements[0];
        let bandit = placement.bandit.as_ref().expect("it has one");
        assert_eq!((bandit.floor, bandit.window_min, bandit.by.len()), (0.05, 30, 1));
        assert_eq!((placement.sources[0].source.as_str(), settings.content.len()), ("content", 2));
    }

    #[test]
    fn every_fault_names_its_field() {
        for (good, bad, said) in [
            ("floor = 0.05", "floor = 0.005", "bandit.floor out_of_range"),
            ("window_minutes = 30", "window_minutes = 0", "bandit.window_minutes out_of_range"),
            ("half_life_days = 14", "half_life_days = -1", "bandit.half_life_days out_of_range"),
            ("[\"returning\"]", "[\"rich\"]", "bandit.by unknown_name"),
            ("\"autumn\"", "\"summer\"", "name invalid_name"),
            (
                "[\"banner\"]\ntitle = \"Summer\"",
                "[\"attic\"]\ntitle = \"Summer\"",
                "placements unknown_placement",
            ),
            (
                "[\"banner\"]\ntitle = \"Summer\"",
                "[\"home\"]\ntitle = \"Summer\"",
                "placements unknown_placement",
            ),
            ("\"/summer\"", "\"javascript:alert(1)\"", "link invalid_address"),
            ("title = \"Autumn\"", "title = \" \"", "title missing"),
            ("page = home", "page =", "when invalid_filter"),
            ("shows = \"content\"", "shows = \"content\"\nmin_evidence = 2", "min_evidence wrong_placement"),
            ("source = \"popular\"", "source = \"content\"", "sources wrong_source"),
            ("headline = \"For you\"", "headline = \"For you\"\nbandit = {}", "bandit wrong_placement"),
            (
                "title = \"Autumn\"",
                "title = \"A\"\nfrom = \"2026-02-01T00:00:00Z\"\nuntil = \"2026-01-01T00:00:00Z\"",
                "until out_of_range",
            ),
        ] {
            assert!(GOOD.contains(good), "{good}");
            assert_eq!(faults(&GOOD.replacen(good, bad, 1)), [said], "{bad}");
        }
        let many: String = (0..21)
            .map(|no| format!("[[content]]\nname = \"n{no}\"\nplacements = [\"banner\"]\ntitle = \"T\"\n"))
            .collect();
        assert_eq!(faults(&format!("{GOOD}{many}")).len(), 3, "those after the twentieth");
    }

    #[test]
    fn addresses_lead_to_the_web_or_the_shop() {
        assert!(["/a", "https://a.example/b", "http://a.example"].into_iter().all(is_address));
        assert!(!["//a.example", "data:x", "a", "/a b", "https://a\n"].into_iter().any(is_address));
    }
}
