//! What numbers of attributes are measured in where the attribute does not say it, learned from the products themselves: "bulb power"
//! is 40, and the titles of lamps say "40 W"; else what the attribute's own name ends with: `lumen`, `weight_g`. It follows from the texts of the products alone, whatever the order in which they came.

use crate::analysis::{Analyzer, Kind, Number, Piece, Unit, measured};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Attributes that are looked at, and numbers of one; later ones are left out.
const ATTRIBUTES_MAX: usize = 10_000;
const NUMBERS_MAX: usize = 2_000;
/// Quantities of a product's title and description that are compared with its numbers.
const QUANTITIES_MAX: usize = 64;
/// Fewest products of which the texts say an attribute's number in a unit, and their share of those that say any number in it.
const SAME_MIN: u32 = 3;
const SHARE_MIN: f32 = 0.5;
/// Letters from which on the last word of an attribute's name that is a unit is meant as one.
const SPELT_OUT_MIN: usize = 4;

/// What a product says in numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// Attributes that are a number and nothing else, their names in lower case.
    pub numbers: Vec<(String, Number)>,
    /// Numbers with a unit in its other texts.
    quantities: Vec<(Unit, (u64, u32))>,
}

impl Said {
    /// Takes in a word of the title or of the description.
    pub fn read(&mut self, piece: &Piece) {
        let amount = piece.number.as_ref().and_then(|number| number.amount);
        if let Some(said) = piece.unit.zip(amount)
            && self.quantities.len() < QUANTITIES_MAX
            && !self.quantities.contains(&said)
        {
            self.quantities.push(said);
        }
    }
}

/// Units of attributes.
#[derive(Clone, Debug, Default)]
pub struct Measures(Arc<BTreeMap<Arc<str>, Arc<Attribute>>>);

#[derive(Clone, Debug, Default)]
struct Attribute {
    /// The words of its name, as terms.
    words: Vec<String>,
    /// Its numbers with what they amount to: digits, and by which power of ten to divide them. They are only added.
    numbers: BTreeMap<Box<str>, (u64, u32)>,
    units: Vec<(Unit, Seen)>,
    /// The unit that its name ends with.
    named: Option<Unit>,
}

/// In how many products an attribute's number stands beside one in a unit, and in how many it is the same number.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    beside: u32,
    same: u32,
}

/// An attribute with what its numbers are measured in.
#[derive(Clone, Copy, Debug)]
pub struct Measure<'a> {
    /// Its name, in lower case.
    pub name: &'a str,
    unit: Unit,
    attribute: &'a Attribute,
    same: u32,
}

/// The term of a product that has this number as this attribute. No word has its sign.
pub fn term(name: &str, number: &str) -> String {
    format!("#{name}={number}")
}

impl Measures {
    /// Notes that a product says this (`by` 1), or no longer does (`by` -1).
    pub(crate) fn change(&mut self, analyzer: &Analyzer, said: &Said, by: i32) {
        if said.numbers.is_empty() {
            return;
        }
        let attributes = Arc::make_mut(&mut self.0);
        let mut units: Vec<Unit> = Vec::new();
        for (unit, _) in &said.quantities {
            if !units.contains(unit) {
                units.push(*unit);
            }
        }
        for (name, number) in &said.numbers {
            if !attributes.contains_key(name.as_str()) {
                if attributes.len() >= ATTRIBUTES_MAX {
                    continue;
                }
                attributes.insert(name.as_str().into(), Arc::new(Attribute::named(analyzer, name)));
            }
            let Some(attribute) = attributes.get_mut(name.as_str()) else { continue };
            let Some(amount) = number.amount else { continue };
            let text = number.text.as_str();
            let is_new = !attribute.numbers.contains_key(text) && attribute.numbers.len() < NUMBERS_MAX;
            if !is_new && units.is_empty() {
                continue;
            }
            let attribute = Arc::make_mut(attribute);
            attribute.numbers.extend(is_new.then(|| (text.into(), amount)));
            for unit in &units {
                let is_same =
                    said.quantities.iter().any(|(own, own_amount)| own == unit && *own_amount == amount);
                attribute.note(*unit, is_same, by);
            }
        }
    }

    /// The attributes of which numbers are measured in a unit with this base, those that most products tell so first.
    pub fn of<'a>(&'a self, base: &str) -> Vec<Measure<'a>> {
        let measure = |(name, attribute): (&'a Arc<str>, &'a Arc<Attribute>)| {
            let own = attribute.units.iter().filter(|(unit, seen)| unit.base() == base && seen.is_enough());
            // Of two told as often the larger, whatever came first.
            let best = own
                .max_by(|a, b| a.1.same.cmp(&b.1.same).then(a.0.in_base(1.0).total_cmp(&b.0.in_base(1.0))));
            let named = || attribute.named.filter(|unit| unit.base() == base);
            let (unit, same) = best.map(|(unit, seen)| (*unit, seen.same)).or_else(|| Some((named()?, 0)))?;
            Some(Measure { name, unit, attribute, same })
        };
        let mut all: Vec<Measure<'a>> = self.0.iter().filter_map(measure).collect();
        all.sort_by(|a, b| b.same.cmp(&a.same).then(a.name.cmp(b.name)));
        all
    }
}

impl Measure<'_> {
    /// The words of its name, as terms.
    pub fn words(&self) -> &[String] {
        &self.attribute.words
    }

    /// The terms of its numbers that are meant, told by their amounts in the base unit, rounded as terms are.
    pub fn terms(&self, mut is_meant: impl FnMut(f64) -> bool) -> Vec<String> {
        let meant = self.attribute.numbers.iter().filter(|(_, amount)| {
            measured(&self.unit.term(**amount, 1)).is_some_and(|(amount, _)| is_meant(amount))
        });
        meant.map(|(text, _)| term(self.name, text)).collect()
    }

    /// The terms of its numbers that are the quantity of this term.
    pub fn equal(&self, quantity: &str) -> Vec<String> {
        let Some((wanted, _)) = measured(quantity) else { return Vec::new() };
        // Terms are rounded to three digits: no more than a hundredth.
        let is_near = |(digits, scale): (u64, u32)| {
            let value = digits as f64 / 10_u64.saturating_pow(scale) as f64;
            (self.unit.in_base(value) - wanted).abs() <= wanted * 0.01
        };
        let near = self.attribute.numbers.iter().filter(|(_, amount)| is_near(**amount));
        let equal = near.filter(|(_, amount)| self.unit.term(**amount, 1) == quantity);
        equal.map(|(text, _)| term(self.name, text)).collect()
    }
}

impl Attribute {
    fn named(analyzer: &Analyzer, name: &str) -> Self {
        let tokens = analyzer.tokens(name);
        let words =
            tokens.into_iter().filter(|token| token.kind == Kind::Word && !analyzer.is_stop(&token.surface));
        Self {
            words: words.map(|token| token.term).collect(),
            named: unit_in(analyzer, name),
            ..Self::default()
        }
    }

    fn note(&mut self, unit: Unit, is_same: bool, by: i32) {
        let at = self.units.iter().position(|(own, _)| *own == unit).unwrap_or_else(|| {
            self.units.push((unit, Seen::default()));
            self.units.len() - 1
        });
        let seen = &mut self.units[at].1;
        seen.beside = seen.beside.saturating_add_signed(by);
        seen.same = seen.same.saturating_add_signed(if is_same { by } else { 0 });
    }
}

/// The unit that a name is or ends with; a short one, which may be a word or a letter, only where `_` or a bracket sets it apart.
fn unit_in(analyzer: &Analyzer, name: &str) -> Option<Unit> {
    let name = name.trim_end_matches([')', ']']);
    let start = name.rfind(|c: char| !c.is_alphanumeric()).map_or(0, |at| at + 1);
    let (before, last) = name.split_at(start);
    let is_apart = before.ends_with(['_', '(', '[']);
    let is_long = last.chars().count() >= SPELT_OUT_MIN;
    if !is_apart && !is_long {
        return None;
    }
    analyzer.pieces(&format!("1{last}")).first()?.unit
}

impl Seen {
    fn is_enough(self) -> bool {
        self.same >= SAME_MIN && self.same as f32 >= SHARE_MIN * self.beside as f32
    }
}
