//! Values as they are meant: "navy" and "dunkelblau" are blue, "Large" is L, 0.5 kg are 500 g, a supplier's category is the shop's.
//! By the shop's own tables first, then by those that are built in. What the feed said is kept beside it, as `color_raw`.

use bespoke_domain::Settings;
use bespoke_domain::product::Content;
use bespoke_engine::catalog::RAW;
use std::collections::HashMap;

/// The table of category paths, and the one of units.
const CATEGORY: &str = "category";
const UNIT: &str = "unit";

/// Canonical colours, each with other names for it.
const COLOURS: [(&str, &str); 18] = [
    ("black", "schwarz noir negro nero zwart jet onyx ebony"),
    ("white", "weiss weiß blanc blanco bianco wit ivory offwhite off-white snow"),
    ("grey", "gray grau gris grigio grijs anthracite anthrazit charcoal slate graphite"),
    ("silver", "silber argent plata argento zilver chrome"),
    ("beige", "cream creme ecru sand camel champagne nude taupe"),
    ("brown", "braun brun marron marrón marrone bruin chocolate cognac tan mocha"),
    ("red", "rot rouge rojo rosso rood burgundy bordeaux crimson scarlet maroon"),
    ("orange", "naranja arancione oranje apricot peach coral rust"),
    ("yellow", "gelb jaune amarillo giallo geel mustard lemon senf"),
    ("gold", "golden or oro goud brass"),
    ("green", "grün gruen vert verde groen olive khaki mint emerald lime"),
    ("turquoise", "türkis teal aqua cyan petrol"),
    ("blue", "blau bleu azul blu blauw navy dunkelblau hellblau indigo cobalt denim marine royalblue"),
    ("purple", "lila violett violet morado viola paars lavender plum aubergine mauve"),
    ("pink", "rosa rose roze fuchsia magenta blush"),
    ("multicolour", "multicolor multi mehrfarbig bunt multicolore multicolour rainbow"),
    ("transparent", "clear durchsichtig klar"),
    ("bronze", "copper kupfer cuivre"),
];

/// Canonical sizes, each with other names for it.
const SIZES: [(&str, &str); 9] = [
    ("XXS", "2xs xx-small"),
    ("XS", "x-small extra-small xsmall"),
    ("S", "small klein petit pequeño"),
    ("M", "medium mittel moyen mediano"),
    ("L", "large groß gross grand grande"),
    ("XL", "x-large extra-large xlarge"),
    ("XXL", "2xl xx-large"),
    ("XXXL", "3xl xxx-large"),
    ("one size", "onesize one-size os einheitsgröße einheitsgroesse taille-unique uni"),
];

/// Units, what each is in the canonical one, and that one.
const UNITS: [(&str, f64, &str); 24] = [
    ("mg", 0.001, "g"),
    ("g", 1.0, "g"),
    ("gr", 1.0, "g"),
    ("kg", 1000.0, "g"),
    ("oz", 28.349_523_125, "g"),
    ("lb", 453.592_37, "g"),
    ("lbs", 453.592_37, "g"),
    ("ml", 1.0, "ml"),
    ("cl", 10.0, "ml"),
    ("dl", 100.0, "ml"),
    ("l", 1000.0, "ml"),
    ("liter", 1000.0, "ml"),
    ("litre", 1000.0, "ml"),
    ("mm", 0.1, "cm"),
    ("cm", 1.0, "cm"),
    ("m", 100.0, "cm"),
    ("in", 2.54, "cm"),
    ("inch", 2.54, "cm"),
    ("\"", 2.54, "cm"),
    ("ft", 30.48, "cm"),
    ("w", 1.0, "W"),
    ("kw", 1000.0, "W"),
    ("gb", 1.0, "GB"),
    ("tb", 1000.0, "GB"),
];

/// Attributes that hold measures have one of these in their names.
const MEASURES: [&str; 13] = [
    "weight", "length", "width", "height", "depth", "diameter", "volume", "capacity", "measure", "content",
    "power", "storage", "size",
];

/// The tables in force.
#[derive(Debug, Default)]
pub struct Tables {
    /// By attribute: what the feed says in lower case, and what is meant.
    own: HashMap<String, HashMap<String, String>>,
}

impl Tables {
    /// The shop's tables, over those that are built in.
    pub fn of(settings: Option<&Settings>) -> Self {
        let lines = settings.map_or(&[][..], |settings| &settings.canonical);
        let table = |values: &[(String, String)]| {
            values.iter().map(|(from, to)| (from.trim().to_lowercase(), to.clone())).collect()
        };
        Self { own: lines.iter().map(|line| (line.attribute.to_lowercase(), table(&line.values))).collect() }
    }

    /// Puts canonical values in the place of the feed's own, which stay under their names with `_raw`. Doing it again, with
    /// other tables even, begins from the feed's own.
    pub fn apply(&self, content: &mut Content) {
        restore(content);
        let mut raw = Vec::new();
        let paths: Vec<Option<String>> = content.categories.iter().map(|path| self.path(path)).collect();
        if paths.iter().any(Option::is_some) {
            raw.extend(content.categories.iter().map(|path| (format!("{CATEGORY}{RAW}"), path.clone())));
            replace(&mut content.categories, paths);
        }
        let attributes = &mut content.attributes;
        let meant: Vec<Option<String>> =
            attributes.iter().map(|(name, value)| self.meant(name, value)).collect();
        let changed = |name: &str| {
            attributes.iter().zip(&meant).any(|((held, _), meant)| held == name && meant.is_some())
        };
        let own = attributes.iter().filter(|(name, _)| changed(name));
        raw.extend(own.map(|(name, value)| (format!("{name}{RAW}"), value.clone())));
        for ((_, value), meant) in attributes.iter_mut().zip(meant) {
            if let Some(meant) = meant {
                *value = meant;
            }
        }
        attributes.extend(raw);
    }

    /// Tells `note` each attribute and value that a table is there for and does not know.
    pub fn unmapped<'a>(&self, content: &'a Content, note: &mut dyn FnMut(&'a str, &'a str)) {
        for path in content.categories.iter().filter(|_| self.own.contains_key(CATEGORY)) {
            if !self.own_values(CATEGORY).any(|known| starts(path, known)) {
                note(CATEGORY, path);
            }
        }
        for (name, value) in content.attributes.iter().filter(|(name, _)| !name.ends_with(RAW)) {
            for part in parts(name, value).filter(|part| !self.is_known(name, part)) {
                note(name, part);
            }
        }
    }

    /// What an attribute's value means; `None` where that is what it says, or nobody knows.
    fn meant(&self, name: &str, value: &str) -> Option<String> {
        if name.ends_with(RAW) || !self.is_there_for(name) {
            return None;
        }
        let part = |part: &str| self.part(name, part).unwrap_or_else(|| part.to_owned());
        let meant = parts(name, value).map(part).collect::<Vec<_>>().join(",");
        (meant != value).then_some(meant)
    }

    fn is_there_for(&self, name: &str) -> bool {
        is_colour(name) || is_measure(name) || self.table(name).is_some()
    }

    fn part(&self, name: &str, part: &str) -> Option<String> {
        let own = self.table(name).and_then(|table| table.get(&part.to_lowercase()).cloned());
        own.or_else(|| match name {
            _ if is_colour(name) => colour(part).map(str::to_owned),
            _ if is_size(name) => size(part).map(str::to_owned).or_else(|| self.measure(part)),
            _ if is_measure(name) => self.measure(part),
            _ => None,
        })
    }

    fn is_known(&self, name: &str, part: &str) -> bool {
        let is_own = || self.own_values(name).any(|known| known.eq_ignore_ascii_case(part));
        let is_size_known = || size(part).is_some() || part.bytes().any(|byte| byte.is_ascii_digit());
        match name {
            _ if is_colour(name) => colour(part).is_some() || is_own(),
            _ if is_size(name) => is_size_known() || is_own(),
            _ => self.table(name).is_none() || is_own(),
        }
    }

    fn table(&self, name: &str) -> Option<&HashMap<String, String>> {
        if self.own.is_empty() { None } else { self.own.get(&name.to_lowercase()) }
    }

    fn own_values(&self, name: &str) -> impl Iterator<Item = &String> {
        self.table(name).into_iter().flat_map(HashMap::values)
    }

    /// The path with the longest beginning that the shop's table knows in its place.
    fn path(&self, path: &str) -> Option<String> {
        let table = self.own.get(CATEGORY)?;
        let steps: Vec<&str> = path.split('>').map(str::trim).collect();
        let known = |len: usize| Some((len, table.get(&steps[..len].join(" > ").to_lowercase())?));
        let (len, meant) = (1..=steps.len()).rev().find_map(known)?;
        let meant = std::iter::once(meant.as_str()).chain(steps[len..].iter().copied());
        let meant = meant.collect::<Vec<_>>().join(" > ");
        (meant != path).then_some(meant)
    }

    /// `1,5 kg` as `1500 g`.
    fn measure(&self, text: &str) -> Option<String> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')?;
        let number: f64 = text[..end].replace(',', ".").parse().ok()?;
        let unit = text[end..].trim().to_lowercase();
        let own = self.own.get(UNIT).and_then(|table| table.get(&unit)).and_then(|one| one.split_once(' '));
        let own =
            own.and_then(|(times, unit)| Some((times.parse::<f64>().ok()?, unit.trim().to_lowercase())));
        let (times, unit) = own.unwrap_or((1.0, unit));
        let (_, factor, canonical) = UNITS.iter().find(|(name, ..)| *name == unit)?;
        let rounded = (number * times * factor * 1000.0).round() / 1000.0;
        Some(format!("{rounded} {canonical}"))
    }
}

/// Attributes and values that no table knows, counted.
#[derive(Default, Debug)]
pub struct Unmapped(HashMap<(String, String), u64>);

/// Most different ones that are counted.
const UNMAPPED_MAX: usize = 10_000;

impl Unmapped {
    /// Counts one.
    pub fn note(&mut self, name: &str, value: &str) {
        let key = (name.to_owned(), value.to_owned());
        if self.0.len() < UNMAPPED_MAX || self.0.contains_key(&key) {
            *self.0.entry(key).or_default() += 1;
        }
    }

    /// How many rows have one.
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The most frequent ones, with their counts.
    pub fn most(&self, most: usize) -> Vec<(&str, &str, u64)> {
        let mut all: Vec<(&str, &str, u64)> =
            self.0.iter().map(|((name, value), count)| (name.as_str(), value.as_str(), *count)).collect();
        all.sort_unstable_by(|a, b| b.2.cmp(&a.2).then(a.cmp(b)));
        all.truncate(most);
        all
    }
}

/// Puts back what the feed said.
fn restore(content: &mut Content) {
    let is_raw = |name: &str| name.ends_with(RAW) && name.len() > RAW.len();
    if !content.attributes.iter().any(|(name, _)| is_raw(name)) {
        return;
    }
    let (raw, mut rest): (Vec<_>, Vec<_>) =
        std::mem::take(&mut content.attributes).into_iter().partition(|(name, _)| is_raw(name));
    let own = |(name, value): (String, String)| (name[..name.len() - RAW.len()].to_owned(), value);
    let (paths, raw): (Vec<_>, Vec<_>) = raw.into_iter().map(own).partition(|(name, _)| name == CATEGORY);
    if !paths.is_empty() {
        content.categories = paths.into_iter().map(|(_, path)| path).collect();
    }
    // They stand in the order of what they are behind.
    let mut raw = raw.into_iter().peekable();
    for (name, value) in &mut rest {
        if let Some((_, own)) = raw.next_if(|(held, _)| held == name) {
            *value = own;
        }
    }
    rest.extend(raw);
    content.attributes = rest;
}

fn replace(values: &mut [String], meant: Vec<Option<String>>) {
    for (value, meant) in values.iter_mut().zip(meant) {
        if let Some(meant) = meant {
            *value = meant;
        }
    }
}

fn is_colour(name: &str) -> bool {
    name.eq_ignore_ascii_case("color") || name.eq_ignore_ascii_case("colour")
}

fn is_size(name: &str) -> bool {
    name.eq_ignore_ascii_case("size")
}

fn is_measure(name: &str) -> bool {
    let holds = |part: &str| {
        name.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
    };
    MEASURES.iter().any(|part| holds(part))
}

/// The values of a list; a slash parts colours and not sizes.
fn parts<'a>(name: &str, value: &'a str) -> impl Iterator<Item = &'a str> {
    let is_colour = is_colour(name);
    let is_decimal = is_measure(name) && !is_size(name);
    let parted = move |c: char| (c == ',' && !is_decimal) || (is_colour && matches!(c, '/' | '+' | '&'));
    value.split(parted).map(str::trim).filter(|part| !part.is_empty())
}

/// The canonical colour of a name, or of the last word in it that is one.
fn colour(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    let of = |word: &str| find(&COLOURS, word);
    of(&text).or_else(|| text.split([' ', '-']).rev().find_map(of))
}

fn size(text: &str) -> Option<&'static str> {
    find(&SIZES, &text.to_lowercase()).or_else(|| find(&SIZES, &text.to_lowercase().replace(' ', "-")))
}

fn find(table: &[(&'static str, &'static str)], word: &str) -> Option<&'static str> {
    let is_it = |(canonical, names): &&(&str, &str)| {
        canonical.eq_ignore_ascii_case(word) || names.split(' ').any(|name| name == word)
    };
    table.iter().find(is_it).map(|(canonical, _)| *canonical)
}

/// Whether a path is `known` or lies below it.
fn starts(path: &str, known: &str) -> bool {
    path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(" >"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bespoke_domain::Currency;
    use bespoke_domain::settings::{Canonical, Shop};
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    fn tables(lines: &[(&str, &[(&str, &str)])]) -> Tables {
        let own = |(from, to): &(&str, &str)| ((*from).to_owned(), (*to).to_owned());
        let line = |(attribute, values): &(&str, &[(&str, &str)])| Canonical {
            attribute: (*attribute).to_owned(),
            values: values.iter().map(own).collect(),
        };
        let shop = Shop {
            currency: Currency::EUR,
            time_zone: "UTC".to_owned(),
            unknown_consent_granted: false,
            sensitive_categories: Vec::new(),
            clock: Vec::new(),
        };
        let canonical = lines.iter().map(line).collect();
        let settings = Settings {
            shop,
            placements: Vec::new(),
            content: Vec::new(),
            segments: Vec::new(),
            clutter: Vec::new(),
            canonical,
            models: Vec::new(),
            search: Default::default(),
            holdout: Default::default(),
            attribution: Default::default(),
            experiments: Vec::new(),
            challenges: Vec::new(),
            watch: Default::default(),
            file: None,
        };
        Tables::of(Some(&settings))
    }

    fn row(category: &str, attributes: &[(&str, &str)]) -> Content {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Content {
            categories: vec![category.to_owned()],
            attributes: attributes.iter().map(own).collect(),
            ..Content::default()
        }
    }

    fn show(content: &Content, tables: &Tables) -> String {
        let mut text = format!("{}\n", content.categories.join(" | "));
        for (name, value) in &content.attributes {
            text += &format!("{name} = {value}\n");
        }
        tables.unmapped(content, &mut |name, value| text += &format!("? {name} {value}\n"));
        text
    }

    fn check(tables: &Tables, mut content: Content, expect: Expect) {
        tables.apply(&mut content);
        expect.assert_eq(&show(&content, tables));
        let once = content.clone();
        tables.apply(&mut content);
        assert_eq!(content, once, "doing it again changes nothing");
    }

    #[test]
    fn built_in_tables_know_usual_names() {
        let feed = [
            ("color", "Dark Navy/Off-White"),
            ("Colour", "smaragd"),
            ("size", "Extra Large"),
            ("size", "38"),
            ("weight", "1,5 kg"),
            ("screen_size", "27 in"),
            ("material", "Wolle"),
        ];
        check(
            &Tables::of(None),
            row("Shoes", &feed),
            expect![[r#"
            Shoes
            color = blue,white
            Colour = smaragd
            size = XL
            size = 38
            weight = 1500 g
            screen_size = 68.58 cm
            material = Wolle
            color_raw = Dark Navy/Off-White
            size_raw = Extra Large
            size_raw = 38
            weight_raw = 1,5 kg
            screen_size_raw = 27 in
            ? Colour smaragd
        "#]],
        );
    }

    #[test]
    fn the_shops_own_tables_come_first() {
        let own = tables(&[
            ("color", &[("Smaragd", "green"), ("navy", "dark blue")]),
            ("material", &[("wolle", "wool")]),
            ("category", &[("Damen > Schuhe", "Women > Shoes"), ("Damen", "Women")]),
            ("unit", &[("pouch", "85 g")]),
        ]);
        let feed =
            [("color", "smaragd, navy"), ("material", "Wolle"), ("material", "Jute"), ("weight", "2 pouch")];
        check(
            &own,
            row("Damen > Schuhe > Stiefel", &feed),
            expect![[r#"
            Women > Shoes > Stiefel
            color = green,dark blue
            material = wool
            material = Jute
            weight = 170 g
            category_raw = Damen > Schuhe > Stiefel
            color_raw = smaragd, navy
            material_raw = Wolle
            material_raw = Jute
            weight_raw = 2 pouch
            ? material Jute
        "#]],
        );
        check(
            &own,
            row("Herren", &[]),
            expect![[r#"
            Herren
            ? category Herren
        "#]],
        );
    }

    #[test]
    fn other_tables_begin_from_the_feed() {
        let mut content = row("Shoes", &[("color", "navy"), ("color", "white")]);
        Tables::of(None).apply(&mut content);
        tables(&[("color", &[("navy", "night")])]).apply(&mut content);
        let colours: Vec<&str> = content.attributes.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(colours, ["night", "white", "navy", "white"]);
    }

    proptest! {
        #[test]
        fn whatever_a_feed_says_stays_to_be_read(name in "(color|size|weight|x|x_raw)", value in ".{0,30}") {
            let mut content = row("A", &[(&name, &value)]);
            let tables = tables(&[("x", &[("a", "b")])]);
            tables.apply(&mut content);
            let kept = content.attributes.iter().any(|(_, held)| *held == value);
            prop_assert!(kept, "{:?}", content);
        }
    }
}
