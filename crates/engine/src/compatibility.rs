//! What fits what, by what sellers write: an accessory lists models (`fits`), a device names itself (`model`, its title).
//!
//! Both sides are cut into keys, and an accessory fits a device that shares one. A value as a whole is a key (`=lx1`), and so is
//! each model that stands in a text: a code of letters and digits (`l7680`, `mfc5860cn`), or a number with the word that it
//! belongs to (`laserjet 1160` and `laserjet 1320` in "LaserJet 1160/1320").

use crate::numbering::Numbering;
use bespoke_domain::ProductNo;
use bespoke_domain::product::Content;
use bespoke_models::content_index::ContentIndex;
use bespoke_models::cow::CowVec;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Attributes that list models.
const LISTING: [&str; 3] = ["fits", "compatibility", "compatible_with"];
/// Attributes that name a device's own model.
const NAMING: [&str; 1] = ["model"];
/// Most keys of one product, and of all.
const KEYS_MAX: usize = 400;
const ALL_KEYS_MAX: usize = 1_000_000;
/// Letters of a code that needs no word before it.
const CODE_LEN: usize = 4;
/// Units and the like, which make no model of the number before them.
const UNITS: [&str; 44] = [
    "a", "ah", "bit", "btu", "cm", "cd", "core", "db", "dpi", "fps", "ft", "gb", "gbit", "ghz", "hz", "in",
    "inch", "kb", "kg", "khz", "kva", "kw", "lb", "m", "ma", "mah", "mb", "mbit", "mhz", "ml", "mm", "mp",
    "ms", "nm", "oz", "pc", "pcs", "ppm", "rpm", "tb", "u", "v", "va", "w",
];
/// Words that a number does not belong to.
const PLAIN: [&str; 16] = [
    "and", "for", "series", "the", "to", "of", "with", "or", "type", "version", "pack", "set", "size", "up",
    "no", "in",
];

/// Which products fit which models. A key costs its text and some 60 bytes, a product 8 bytes and 4 a key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Compatibility {
    keys: Arc<Numbering>,
    /// Sorted numbers of the keys that each accessory lists.
    products: CowVec<Arc<[u32]>, 1024>,
    index: ContentIndex,
}

impl Compatibility {
    /// Takes what a product lists in.
    pub fn change(&mut self, product: ProductNo, content: &Content) {
        let listed = content.attributes.iter().filter(|(name, _)| is_one_of(&LISTING, name));
        let mut texts: Vec<String> = listed.flat_map(|(_, text)| of_values(text)).collect();
        texts.truncate(KEYS_MAX);
        let before = self.listed(product);
        if texts.is_empty() && before.is_empty() {
            return;
        }
        let mut now: Vec<u32> = texts.iter().filter_map(|text| self.number(text)).collect();
        now.sort_unstable();
        now.dedup();
        self.index.change(product, &before, &now);
        self.products.grow_to(product.index() + 1, &Arc::default());
        if let Some(slot) = self.products.get_mut(product.index()) {
            *slot = now.into();
        }
    }

    fn number(&mut self, key: &str) -> Option<u32> {
        let has_room = self.keys.names.len() < ALL_KEYS_MAX;
        self.keys.get(key).or_else(|| has_room.then(|| Arc::make_mut(&mut self.keys).number(key)))
    }

    fn listed(&self, product: ProductNo) -> Arc<[u32]> {
        self.products.get(product.index()).cloned().unwrap_or_default()
    }

    /// The numbers of the keys that a device answers to, as far as something lists them; sorted.
    pub fn of_device(&self, id: &str, content: &Content) -> Vec<u32> {
        let models = content
            .attributes
            .iter()
            .filter(|(name, _)| is_one_of(&NAMING, name))
            .map(|(_, text)| text.as_str());
        let names = models.clone().chain([id, &content.item_group_id]).filter(|name| !name.is_empty());
        let whole = names.map(|name| format!("={}", name.trim().to_lowercase()));
        let spelt = models.chain([content.title.as_str()]).flat_map(|text| of_text(text, true));
        let mut keys: Vec<u32> = whole.chain(spelt).filter_map(|key| self.keys.get(&key)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Products that list one of the keys, each once a key, the newest first.
    pub fn fitting<'a>(&'a self, keys: &'a [u32]) -> impl Iterator<Item = ProductNo> + 'a {
        // A key that a product once listed still lists it.
        keys.iter().flat_map(|key| self.index.with(*key).filter(|product| self.fits(*product, &[*key])))
    }

    /// Whether a product lists one of the keys.
    pub fn fits(&self, product: ProductNo, keys: &[u32]) -> bool {
        let listed = self.products.get(product.index());
        listed.is_some_and(|listed| keys.iter().any(|key| listed.binary_search(key).is_ok()))
    }

    /// Rebuilds what a checkpoint leaves out.
    pub fn restore(&mut self) {
        Arc::make_mut(&mut self.keys).restore();
    }
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// The keys of a list of models: each value, and each model in it.
fn of_values(text: &str) -> Vec<String> {
    let values = text.split([',', ';', '\n']).map(|value| value.trim().to_lowercase());
    let whole =
        values.filter(|value| !value.is_empty() && value.len() <= 64).map(|value| format!("={value}"));
    whole.chain(of_text(text, false)).collect()
}

/// The models in a text. A device also answers to the number at the head of its code, `laserjet 4250` to `LaserJet 4250dtn`.
fn of_text(text: &str, is_device: bool) -> Vec<String> {
    let mut keys = Vec::new();
    let mut word: Option<String> = None;
    let text = text.to_lowercase();
    let plain = text.replace('-', "");
    let tokens = plain.split(|c: char| !c.is_alphanumeric() && c != '+' && c != '.');
    let tokens: Vec<&str> =
        tokens.map(|token| token.trim_matches('.')).filter(|token| !token.is_empty()).collect();
    for (at, &token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1).copied().unwrap_or_default();
        let is_measure = UNITS.contains(&next) || next == "x" || (at > 0 && tokens[at - 1] == "x");
        if token.contains('.') || (is_measure && token.starts_with(|c: char| c.is_ascii_digit())) {
            continue;
        }
        let digits = token.chars().filter(char::is_ascii_digit).count();
        if digits == 0 {
            let is_name = token.chars().count() > 1 && !PLAIN.contains(&token) && !UNITS.contains(&token);
            word = if is_name { Some(token.to_owned()) } else { word };
            continue;
        }
        let letters = token.trim_start_matches(|c: char| c.is_ascii_digit());
        if digits < token.len() && UNITS.contains(&letters) {
            continue;
        }
        let with = |name: &str| word.as_ref().map(|word| format!("{word} {name}"));
        if digits < token.len() && token.len() >= CODE_LEN {
            keys.push(token.to_owned());
            let head = &token[..token.len() - letters.len()];
            keys.extend(with(head).filter(|_| is_device && head.len() >= 3));
        } else if digits < 6 && token.len() > 1 {
            keys.extend(with(token));
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(title: &str, attribute: &str, text: &str) -> Content {
        let attributes =
            if text.is_empty() { Vec::new() } else { vec![(attribute.to_owned(), text.to_owned())] };
        Content { title: title.to_owned(), attributes, ..Content::default() }
    }

    #[test]
    fn models_are_read_from_what_sellers_write() {
        for (text, keys) in [
            ("LaserJet 1160/1320, 3390", "laserjet 1160|laserjet 1320|laserjet 3390"),
            ("DCP-130C, MFC-5860CN", "dcp130c|mfc5860cn"),
            ("- Perfection V850 Pro", "v850"),
            ("HP DeskJet 460, 460c and 5740 / HP PSC 1510", "deskjet 460|460c|deskjet 5740|psc 1510"),
            ("Smart-UPS 3000VA 120V, 24 in, 33.8 cm", ""),
            ("CopyCentre C65", "copycentre c65"),
            ("für Gerät №5 ", ""),
        ] {
            assert_eq!(of_text(text, false).join("|"), keys, "{text}");
        }
        assert_eq!(of_text("HP LaserJet 4250dtn 1200 x 1200 DPI", true), ["4250dtn", "laserjet 4250"]);
    }

    #[test]
    fn an_accessory_fits_the_devices_it_lists_for_as_long_as_it_does() {
        let mut all = Compatibility::default();
        all.change(ProductNo(1), &content("Toner", "fits", "LaserJet 4250/4350 Series"));
        all.change(ProductNo(2), &content("Case", "Compatibility", "X-1, Galaxy Tab"));
        let device = |title: &str, model: &str| all.of_device("d1", &content(title, "model", model));
        let fitting = |keys: &[u32]| all.fitting(keys).map(|one| one.0).collect::<Vec<_>>();
        assert_eq!(fitting(&device("HP LaserJet 4250dtn", "")), [1]);
        assert_eq!(fitting(&device("Some tablet", "galaxy tab")), [2]);
        assert_eq!(fitting(&device("HP LaserJet 4200", "X-2")), [] as [u32; 0]);
        let keys = device("", "x-1");
        all.change(ProductNo(2), &content("Case", "fits", "X-9"));
        assert!(
            !all.fits(ProductNo(2), &keys) && all.fitting(&keys).next().is_none(),
            "it no longer says so"
        );
    }
}
