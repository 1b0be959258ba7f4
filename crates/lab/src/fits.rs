//! Accessories by compatibility on a real catalogue (Chorus/Icecat): what `accessories` shows on devices' pages, against a
//! reading of the same texts that is made otherwise.
//!
//! Data: `search_chorus_icecat/products.jsonl.gz`, 19,406 products, of which 4,045 list in `attr_t_compatibility` what they fit.
//! Silver truth: an accessory fits a device when a code of at least five letters and digits, both among them, stands in the
//! device's title and as a whole word in the accessory's list, and the accessory's maker, title or list names the device's maker.
//! A device is a product without such a list whose title names no consumable and whose code at least one list has. Pages show
//! ten. Precision is that of what is shown where the truth can tell (brands agree); recall, of what fits, at most ten.
//! Command: `lab fits --data DIR`. No peer: no published figure exists.

use crate::error::Error;
use bespoke_domain::event::PageType;
use bespoke_domain::settings::{Placement, Settings};
use bespoke_domain::{Body, Candidate, Currency, DecisionId, Entry, Millis, Offset, Request};
use bespoke_engine::Engine;
use flate2::read::MultiGzDecoder;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader};
use std::path::Path;

const PLACEMENT: &str = "product_accessories";
const SHOWN: u16 = 10;
const NOW: Millis = Millis(1_700_000_000_000);
/// Words of titles that are no devices.
const CONSUMABLES: [&str; 32] = [
    "toner",
    "cartridge",
    "ink",
    "drum",
    "kit",
    "ribbon",
    "cable",
    "battery",
    "case",
    "memory",
    "lamp",
    "fuser",
    "unit",
    "tray",
    "feeder",
    "card",
    "adapter",
    "dock",
    "docking",
    "processor",
    "warranty",
    "paper",
    "filter",
    "mount",
    "stand",
    "lens",
    "bag",
    "charger",
    "keyboard",
    "module",
    "label",
    "original",
];

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fits {
    /// Pages asked for.
    pub devices: usize,
    /// Pages that show something.
    pub covered: f64,
    /// Share of what is shown that fits.
    pub precision: f64,
    /// Share of what fits that is shown, of at most ten a page.
    pub recall: f64,
    /// Some of what is shown and does not fit by the silver truth: device, accessory.
    pub doubtful: Vec<(String, String)>,
}

struct Product {
    id: String,
    title: String,
    brand: String,
    fits: String,
}

/// Measures.
///
/// # Errors
/// When the data cannot be read, or the catalogue is refused.
pub fn run(data: &Path) -> Result<Fits, Error> {
    let products = read(&data.join("search_chorus_icecat/products.jsonl.gz"))?;
    let mut engine = fill(&products)?;
    engine.publish();
    let live = engine.live();
    let by_id: HashMap<&str, &Product> = products.iter().map(|one| (one.id.as_str(), one)).collect();
    let truth = truth(&products);
    let (mut covered, mut shown_count, mut right, mut fitting) = (0, 0, 0, 0);
    let mut doubtful = Vec::new();
    for (no, (device, fits)) in (1..).zip(&truth) {
        let request = Request {
            id: DecisionId(no),
            now: NOW,
            placement: PLACEMENT.to_owned(),
            page: PageType::Product,
            items: vec![(*device).to_owned()],
            slots: SHOWN,
            ..Request::default()
        };
        let (decision, snapshot) = (live.decide(&request), live.snapshot());
        let id = |candidate| match candidate {
            Candidate::Product(product) => snapshot.aggregates.catalog.id(product).to_owned(),
            Candidate::Category(_) | Candidate::Content(_) => String::new(),
        };
        let shown: Vec<String> = decision.slate.iter().map(|slot| id(slot.candidate)).collect();
        covered += usize::from(!shown.is_empty());
        shown_count += shown.len();
        fitting += fits.len().min(usize::from(SHOWN));
        for accessory in shown {
            if fits.contains(accessory.as_str()) {
                right += 1;
            } else if let (Some(device), Some(accessory)) = (by_id.get(device), by_id.get(accessory.as_str()))
            {
                doubtful.push((device.title.clone(), format!("{} [{}]", accessory.title, accessory.fits)));
            }
        }
    }
    let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
    Ok(Fits {
        devices: truth.len(),
        covered: share(covered, truth.len()),
        precision: share(right, shown_count),
        recall: share(right, fitting),
        doubtful,
    })
}

fn read(path: &Path) -> Result<Vec<Product>, Error> {
    let file = std::fs::File::open(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let mut products = Vec::new();
    for (line, text) in (1..).zip(BufReader::new(MultiGzDecoder::new(file)).lines()) {
        let fault = |reason: String| Error::Line { path: path.to_owned(), line, reason };
        let text = text.map_err(|error| fault(error.to_string()))?;
        let row: Value = serde_json::from_str(&text).map_err(|error| fault(error.to_string()))?;
        let field = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        products.push(Product {
            id: field("id"),
            title: field("title"),
            brand: field("supplier"),
            fits: field("attr_t_compatibility"),
        });
    }
    Ok(products)
}

/// A shop with the catalogue, taken in as it would be over HTTP, and the default placement.
fn fill(products: &[Product]) -> Result<Engine, Error> {
    let settings = bespoke::placements::parse(bespoke::placements::DEFAULT)
        .map_err(|faults| Error::Bench(format!("placements: {faults:?}")))?;
    let is_ours = |one: &Placement| one.name == PLACEMENT;
    let settings =
        Settings { placements: settings.placements.into_iter().filter(is_ours).collect(), ..settings };
    let mut engine = Engine::default();
    let mut offset = Offset(0);
    let mut fold = |body| {
        offset = offset.next();
        engine.apply(offset, &Entry { received: NOW, shopper: None, body });
    };
    fold(Body::Settings(Box::new(settings)));
    for product in products.iter().filter(|one| !one.title.is_empty()) {
        let row = json!({"id": product.id, "title": product.title, "brand": product.brand, "fits": product.fits, "availability": "in_stock"});
        let patch = bespoke::wire::catalog::parse_patch(row.to_string().as_bytes(), Currency::EUR, NOW)
            .map_err(|problem| Error::Bench(format!("{}: {problem}", product.id)))?;
        fold(Body::Catalog(Box::new(patch)));
    }
    Ok(engine)
}

/// Devices with what fits them.
fn truth(products: &[Product]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut lists: HashMap<String, Vec<&Product>> = HashMap::new();
    for accessory in products.iter().filter(|one| !one.fits.is_empty()) {
        for code in codes(&accessory.fits) {
            lists.entry(code).or_default().push(accessory);
        }
    }
    let mut truth = BTreeMap::new();
    for device in products.iter().filter(|one| one.fits.is_empty() && is_device(&one.title)) {
        let brand = device.brand.to_lowercase();
        let listed = codes(&device.title).into_iter().filter_map(|code| lists.get(&code)).flatten();
        let is_of_brand = |one: &&&Product| {
            [&one.brand, &one.title, &one.fits].into_iter().any(|text| text.to_lowercase().contains(&brand))
        };
        let fits: BTreeSet<&str> = listed.filter(is_of_brand).map(|one| one.id.as_str()).collect();
        if !fits.is_empty() && !brand.is_empty() {
            truth.insert(device.id.as_str(), fits);
        }
    }
    truth
}

fn is_device(title: &str) -> bool {
    let title = title.to_lowercase();
    let mut words = title.split(|c: char| !c.is_alphanumeric());
    !words.any(|word| CONSUMABLES.contains(&word.trim_end_matches('s')))
}

/// Words of letters and digits, hyphens left out, that can name a model and nothing else.
fn codes(text: &str) -> BTreeSet<String> {
    let text = text.to_lowercase().replace('-', "");
    let words = text.split(|c: char| !c.is_alphanumeric());
    let is_code = |word: &&str| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let begins_with_number = word.starts_with(|c: char| c.is_ascii_digit());
        let tail = word.trim_start_matches(|c: char| c.is_ascii_digit());
        word.len() >= 5 && digits >= 2 && digits < word.len() && !(begins_with_number && tail.len() >= 2)
    };
    words.filter(is_code).map(str::to_owned).collect()
}
