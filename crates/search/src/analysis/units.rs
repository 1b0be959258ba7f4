//! Units of measurement, and one term for a quantity however it is written: `17"`, `17 inch` and `43.2 cm` are `=432mm`.
//! Amounts are brought to a base unit and rounded to three significant digits, as conversions on packages are; counts, shares
//! and the like stay exact.

use super::Language;
use rustc_hash::FxHashMap;

/// Significant digits that a measured amount keeps.
const DIGITS_KEPT: u32 = 3;

/// How an amount in a unit becomes one in its base unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unit {
    /// The base unit.
    base: &'static str,
    /// By what an amount is multiplied and divided; 0 = it is counted, and stays as it is.
    factor: (u64, u64),
    /// Whether a blank may stand before it; else it would be taken for a word (`2 in 1`).
    may_stand_apart: bool,
}

/// Base unit, factor to it, and its names, folded, in any language.
const UNITS: &[(&str, (u64, u64), &[&str])] = &[
    ("mm", (1, 1000), &["micron", "microns"]),
    (
        "mm",
        (1, 1),
        &["mm", "millimeter", "millimeters", "millimetre", "millimetres", "milimetros", "millimetri"],
    ),
    (
        "mm",
        (10, 1),
        &[
            "cm",
            "centimeter",
            "centimeters",
            "centimetre",
            "centimetres",
            "centimetros",
            "centimetri",
            "zentimeter",
        ],
    ),
    (
        "mm",
        (1000, 1),
        &["m", "meter", "meters", "metre", "metres", "metro", "metros", "metri", "mtr", "mtrs"],
    ),
    (
        "mm",
        (254, 10),
        &[
            "in", "inch", "inches", "zoll", "pouce", "pouces", "pulgada", "pulgadas", "pollice", "pollici",
            "duim",
        ],
    ),
    ("mm", (3048, 10), &["ft", "foot", "feet"]),
    ("mm", (9144, 10), &["yd", "yard", "yards"]),
    ("mm", (1_000_000, 1), &["km", "kilometer", "kilometre", "kilometers", "kilometres"]),
    (
        "ml",
        (1, 1),
        &["ml", "milliliter", "milliliters", "millilitre", "millilitres", "mililitros", "millilitri"],
    ),
    ("ml", (10, 1), &["cl", "centiliter", "centilitre", "centilitres"]),
    ("ml", (100, 1), &["dl", "deciliter", "decilitre"]),
    ("ml", (1000, 1), &["l", "liter", "liters", "litre", "litres", "litro", "litros", "litri", "ltr"]),
    ("ml", (295_735, 10_000), &["fl oz", "floz"]),
    ("ml", (378_541, 100), &["gal", "gallon", "gallons"]),
    ("mg", (1, 1), &["mg", "milligram", "milligrams", "milligramm"]),
    (
        "mg",
        (1000, 1),
        &["g", "gr", "gram", "grams", "gramm", "gramme", "grammes", "gramo", "gramos", "grammo", "grammi"],
    ),
    (
        "mg",
        (1_000_000, 1),
        &["kg", "kgs", "kilo", "kilos", "kilogram", "kilograms", "kilogramm", "kilogramme", "kilogrammes"],
    ),
    ("mg", (283_495, 10), &["oz", "ounce", "ounces", "onza", "onzas"]),
    ("mg", (453_592, 1), &["lb", "lbs", "pound", "pounds", "libra", "libras", "livre", "livres"]),
    ("v", (1, 1), &["v", "volt", "volts", "voltio", "voltios", "vdc", "vac"]),
    ("w", (1, 1), &["w", "watt", "watts", "vatio", "vatios"]),
    ("w", (1000, 1), &["kw", "kilowatt", "kilowatts"]),
    ("va", (1, 1), &["va", "volt-ampere"]),
    ("va", (1000, 1), &["kva"]),
    ("wh", (1, 1), &["wh"]),
    ("wh", (1000, 1), &["kwh"]),
    ("mah", (1, 1), &["mah"]),
    ("mah", (1000, 1), &["ah"]),
    ("ma", (1, 1), &["ma", "milliamp"]),
    ("ma", (1000, 1), &["a", "amp", "amps", "ampere", "amperes"]),
    ("hz", (1, 1), &["hz", "hertz"]),
    ("hz", (1000, 1), &["khz", "kilohertz"]),
    ("hz", (1_000_000, 1), &["mhz", "megahertz"]),
    ("hz", (1_000_000_000, 1), &["ghz", "gigahertz"]),
    ("mb", (1, 1000), &["kb"]),
    ("mb", (1, 1), &["mb", "megabyte", "megabytes", "mib"]),
    ("mb", (1000, 1), &["gb", "gigabyte", "gigabytes", "gib", "gig", "go"]),
    ("mb", (1_000_000, 1), &["tb", "terabyte", "terabytes", "tib", "to"]),
    ("mbps", (1, 1000), &["kbps", "kbit/s"]),
    ("mbps", (1, 1), &["mbps", "mbit/s", "mbit"]),
    ("mbps", (1000, 1), &["gbps", "gbit/s", "gbit"]),
    ("m2", (1, 1), &["m2", "sqm", "qm"]),
    ("h", (1, 1), &["h", "hour", "hours", "hr", "hrs", "stunden", "heures", "horas", "ore", "uur"]),
    ("min", (1, 1), &["min", "minute", "minutes", "minuten", "minuti", "minutos", "minuut"]),
    ("mp", (1, 1), &["mp", "mpx", "megapixel", "megapixels"]),
    ("db", (1, 1), &["db", "decibel", "decibels"]),
    ("lm", (1, 1), &["lm", "lumen", "lumens"]),
    ("%", (0, 0), &["%", "percent", "pct", "prozent", "procent"]),
    ("deg", (0, 0), &["°", "degree", "degrees", "grad", "graden", "grados", "gradi"]),
    ("c", (0, 0), &["°c", "celsius"]),
    ("f", (0, 0), &["°f", "fahrenheit"]),
    ("dpi", (0, 0), &["dpi"]),
    ("rpm", (0, 0), &["rpm"]),
    ("bit", (0, 0), &["bit", "bits"]),
    ("fps", (0, 0), &["fps"]),
    (
        "pc",
        (0, 0),
        &[
            "pc", "pcs", "piece", "pieces", "stuck", "stk", "pieza", "piezas", "pezzo", "pezzi", "pz",
            "stuk", "stuks", "pack", "pk",
        ],
    ),
];

/// Names that are also words, and stand for a unit only where they touch the number.
const TOUCHING: &[&str] = &["a", "go", "to", "ore", "min", "gig", "ma"];

/// Units by their names, for a language.
#[derive(Debug)]
pub(super) struct Units(FxHashMap<&'static str, Unit>);

impl Units {
    /// Those of a language: in most, `in` is a word and an inch only where it touches the number.
    pub fn new(language: Language) -> Self {
        let mut by_name = FxHashMap::default();
        for (base, factor, names) in UNITS {
            for name in *names {
                let is_word = TOUCHING.contains(name) || (*name == "in" && language != Language::English);
                by_name.insert(*name, Unit { base, factor: *factor, may_stand_apart: !is_word });
            }
        }
        Self(by_name)
    }

    /// The unit of that name, after a number that it touches or not.
    pub fn get(&self, name: &str, is_glued: bool) -> Option<Unit> {
        self.0.get(name).copied().filter(|unit| unit.may_stand_apart || is_glued)
    }
}

impl Unit {
    /// The base unit of its terms: `mm` of `=432mm`.
    pub fn base(self) -> &'static str {
        self.base
    }

    /// What so much of it is in the base unit, where that is rounded as no term is.
    pub fn in_base(self, amount: f64) -> f64 {
        let (multiply, divide) = if self.factor.0 == 0 { (1, 1) } else { self.factor };
        amount * multiply as f64 / divide as f64
    }

    /// Whether it is no word on its own: the `pc` of `6 pc(s)` is no computer.
    pub fn only_counts(self) -> bool {
        self.base == "pc"
    }

    /// The term of so many: `digits` over ten to the `scale`. A capacity that is a multiple of 1024 is meant as so many of the
    /// next larger unit: 4096 MB are 4 GB, 4000 MB are so too.
    pub fn term(self, (digits, scale): (u64, u32), divisor: u64) -> String {
        let (multiply, divide) = if self.factor.0 == 0 { (1, 1) } else { self.factor };
        let mut above = u128::from(digits) * u128::from(multiply);
        if self.base == "mb" && scale == 0 && digits > 0 && digits.is_multiple_of(1024) {
            above = above / 1024 * 1000;
        }
        let below = u128::from(divide) * 10u128.pow(scale) * u128::from(divisor.max(1));
        let amount = match self.factor.0 {
            0 => exact(above, below),
            _ => rounded(above, below),
        };
        format!("={amount}{}", self.base)
    }
}

/// A quotient with as many decimals as it needs, at most six.
fn exact(above: u128, below: u128) -> String {
    written((above * 1_000_000 + below / 2) / below, 6)
}

/// A quotient to [`DIGITS_KEPT`] significant digits.
fn rounded(above: u128, below: u128) -> String {
    let limit = 10u128.pow(DIGITS_KEPT);
    let (mut above, mut below, mut decimals, mut zeros) = (above, below, 0, 0);
    while above > 0 && above * 10 < limit * below && decimals < 12 {
        above *= 10;
        decimals += 1;
    }
    while above >= limit * below {
        below *= 10;
        zeros += 1;
    }
    let digits = (above + below / 2) / below;
    written(digits * 10u128.pow(zeros), decimals)
}

/// Digits with so many of them behind the point, without zeros at the end.
fn written(digits: u128, decimals: usize) -> String {
    let text = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, rest) = text.split_at(text.len() - decimals);
    match rest.trim_end_matches('0') {
        "" => whole.to_owned(),
        rest => format!("{whole}.{rest}"),
    }
}
