//! The words of the shop's texts.

/// A part of the shop: its name, its six kinds of products (the last fits the first), how often its products come back
/// more than others do (logit), and the day of the year around which it sells most.
pub struct Department {
    pub name: &'static str,
    pub nouns: [&'static str; 6],
    pub returns_logit: f64,
    pub peak_day: f64,
    pub has_sizes: bool,
}

const fn part(
    name: &'static str,
    nouns: [&'static str; 6],
    returns_logit: f64,
    peak_day: f64,
    has_sizes: bool,
) -> Department {
    Department { name, nouns, returns_logit, peak_day, has_sizes }
}

pub const DEPARTMENTS: [Department; 12] = [
    part(
        "Kitchen",
        ["Coffee Machines", "Pans", "Lids", "Knives", "Cutting Boards", "Coffee Filters"],
        0.0,
        330.0,
        false,
    ),
    part("Garden", ["Mowers", "Planters", "Soil", "Shears", "Gloves", "Mower Blades"], 0.1, 130.0, false),
    part("Women", ["Coats", "Dresses", "Belts", "Boots", "Socks", "Coat Liners"], 1.4, 280.0, true),
    part("Men", ["Jackets", "Shirts", "Ties", "Trousers", "Braces", "Jacket Hoods"], 1.2, 285.0, true),
    part("Sport", ["Bicycles", "Helmets", "Lamps", "Racquets", "Balls", "Bicycle Tyres"], 0.5, 150.0, false),
    part(
        "Electronics",
        ["Phones", "Headphones", "Adapters", "Speakers", "Stands", "Phone Cases"],
        0.6,
        335.0,
        false,
    ),
    part("Toys", ["Trains", "Puzzles", "Frames", "Dolls", "Doll Clothes", "Train Tracks"], 0.1, 345.0, false),
    part(
        "Beauty",
        ["Shavers", "Creams", "Brushes", "Perfumes", "Atomisers", "Shaver Heads"],
        -0.4,
        40.0,
        false,
    ),
    part("Home", ["Lamps", "Sofas", "Cushions", "Beds", "Sheets", "Bulbs"], 0.4, 300.0, false),
    part("Office", ["Printers", "Desks", "Mats", "Chairs", "Castors", "Ink Cartridges"], 0.0, 245.0, false),
    part(
        "Pets",
        ["Fountains", "Leashes", "Collars", "Beds", "Blankets", "Fountain Filters"],
        -0.2,
        20.0,
        false,
    ),
    part("Workshop", ["Drills", "Saws", "Saw Blades", "Hammers", "Nails", "Drill Bits"], 0.0, 110.0, false),
];

/// A leaf's name is one of these, with a word of `LEAF_SECOND` when the first run out, and its noun.
pub const LEAF_FIRST: [&str; 24] = [
    "Classic",
    "Compact",
    "Travel",
    "Studio",
    "Family",
    "Junior",
    "Premium",
    "Everyday",
    "Outdoor",
    "Vintage",
    "Modern",
    "Folding",
    "Electric",
    "Manual",
    "Silent",
    "Heavy",
    "Light",
    "Large",
    "Small",
    "Designer",
    "Organic",
    "Recycled",
    "Professional",
    "Starter",
];
pub const LEAF_SECOND: [&str; 6] = ["", "Winter", "Summer", "City", "Country", "Night"];

/// Groups of a leaf with the same style replace each other; with the same style of the leaf that goes with it, they
/// complement each other.
pub const STYLES: [&str; 8] =
    ["Nordic", "Retro", "Industrial", "Botanical", "Minimal", "Coastal", "Floral", "Geometric"];
pub const COLOURS: [&str; 10] =
    ["black", "white", "grey", "red", "blue", "green", "yellow", "brown", "pink", "orange"];
pub const MATERIALS: [&str; 8] =
    ["steel", "cotton", "oak", "leather", "glass", "bamboo", "aluminium", "polyester"];
pub const SIZES: [&str; 4] = ["S", "M", "L", "XL"];
pub const SYLLABLES: [&str; 16] =
    ["ka", "lo", "mi", "ren", "so", "tur", "ve", "nor", "bel", "da", "fi", "gra", "hol", "ja", "ku", "wen"];
