//! Rules of a placement that are at odds: told when the settings come into force, since each alone is as it should be.

use bespoke_domain::Settings;
use bespoke_domain::settings::Rule;

/// Most that is told.
pub const TOLD_MAX: usize = 50;

/// What is at odds, in sentences that say what wins. Rules whose times do not meet are not at odds, nor are those that act under
/// different conditions.
pub fn of(settings: &Settings) -> Vec<String> {
    let mut found = Vec::new();
    for placement in &settings.placements {
        for (at, first) in placement.rules.iter().enumerate() {
            for second in &placement.rules[at + 1..] {
                if !meet(first, second) || found.len() == TOLD_MAX {
                    continue;
                }
                if let Some(what) = between(first, second) {
                    found.push(format!("placement {:?}: {what}", placement.name));
                }
            }
        }
    }
    found
}

fn meet(a: &Rule, b: &Rule) -> bool {
    let begins_in_time = |one: &Rule, other: &Rule| match (one.from, other.until) {
        (Some(from), Some(until)) => from < until,
        _ => true,
    };
    a.when == b.when && begins_in_time(a, b) && begins_in_time(b, a)
}

fn between(a: &Rule, b: &Rule) -> Option<String> {
    let shared = a.items.iter().find(|id| b.items.contains(id));
    let is =
        |one: &str, other: &str| (a.rule == one && b.rule == other) || (a.rule == other && b.rule == one);
    let names = format!("{:?} and {:?}", a.name, b.name);
    match shared {
        _ if is("pin", "pin") && a.position == b.position => {
            Some(format!("{names} both pin to position {}; the first keeps it", a.position))
        }
        Some(id) if is("pin", "hide") => Some(format!("{names} pin and hide {id:?}; it is hidden")),
        Some(id) if is("boost", "bury") => Some(format!(
            "{names} raise and lower {id:?}; its score is multiplied by {}",
            a.factor * b.factor
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rules: &str) -> Vec<String> {
        let head = "[shop]\ncurrency = \"EUR\"\ntime_zone = \"UTC\"\n[[placement]]\nname = \"home\"\nheadline = \"H\"\nslots = 4\n\
            sources = [{ source = \"popular\", weight = 1.0, limit = 10 }]\n";
        let rule = |line: &str| format!("[[placement.rule]]\n{}\n", line.replace("; ", "\n"));
        let text = head.to_owned() + &rules.lines().map(rule).collect::<String>();
        of(&crate::placements::parse(&text).expect("a good file"))
    }

    #[test]
    fn rules_at_odds_are_told_with_what_wins() {
        assert_eq!(
            told(
                "name = \"a\"; rule = \"pin\"; items = [\"1\"]; position = 2\n\
                 name = \"b\"; rule = \"pin\"; items = [\"2\"]; position = 2\n\
                 name = \"c\"; rule = \"hide\"; items = [\"3\", \"1\"]\n\
                 name = \"d\"; rule = \"boost\"; items = [\"5\"]; factor = 2.0\n\
                 name = \"e\"; rule = \"bury\"; items = [\"5\"]; factor = 0.25"
            ),
            [
                "placement \"home\": \"a\" and \"b\" both pin to position 2; the first keeps it",
                "placement \"home\": \"a\" and \"c\" pin and hide \"1\"; it is hidden",
                "placement \"home\": \"d\" and \"e\" raise and lower \"5\"; its score is multiplied by 0.5",
            ]
        );
    }

    #[test]
    fn rules_that_never_meet_are_not_at_odds() {
        let rules = "name = \"a\"; rule = \"pin\"; items = [\"1\"]; position = 2; until = \"2026-01-01T00:00:00Z\"\n\
            name = \"b\"; rule = \"pin\"; items = [\"2\"]; position = 2; from = \"2026-01-01T00:00:00Z\"\n\
            name = \"c\"; rule = \"pin\"; items = [\"3\"]; position = 2; when = \"page = 'home'\"";
        assert_eq!(told(rules), [] as [String; 0]);
    }
}
