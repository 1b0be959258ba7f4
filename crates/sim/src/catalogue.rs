//! The catalogue: departments, kinds and leaves; in each leaf, products from the most to the least appealing, in sizes
//! where the department has them.
//!
//! Numbers: `leaf` 0..L; `product` 0..N in the order of leaves. External ids and the order in which the shop sends its
//! rows are shuffled, so that neighbours in the shop are no neighbours in the engine.

use crate::Params;
use crate::dice::{Dice, What};
use crate::words::{COLOURS, DEPARTMENTS, LEAF_FIRST, LEAF_SECOND, MATERIALS, SIZES, STYLES, SYLLABLES};
use bespoke_domain::product::{Availability, Content};
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{Currency, Millis, Money, ProductPatch};

/// Rows of a product in a department with sizes.
const SIZE_COUNT: u32 = SIZES.len() as u32;
/// Devices that have accessories: the most appealing of a leaf.
const FITS_GROUPS: u32 = 8 * STYLES.len() as u32;
/// Most leaves; names run out beyond.
const LEAVES_MAX: u32 = (DEPARTMENTS.len() * 6 * LEAF_FIRST.len() * LEAF_SECOND.len()) as u32;

/// A shop.
#[derive(Clone, Debug)]
pub struct Shop {
    /// What it was made from.
    pub params: Params,
    /// First product of each leaf, and one past the last.
    starts: Vec<u32>,
    brands_per_department: u32,
    /// Multiplier of the shuffle, without a common divisor with the number of products.
    stride: u64,
}

/// What is true of one row, shown and hidden.
#[derive(Clone, PartialEq, Debug)]
pub struct Product {
    /// Its number.
    pub no: u32,
    /// Where it stands.
    pub leaf: u32,
    /// Its place among the products of its leaf, by appeal; rows of one product share it.
    pub group: u32,
    /// The size's number, in departments with sizes.
    pub size: Option<u32>,
    /// Products of a leaf with the same style are substitutes.
    pub style: u32,
    /// Brand number within the department.
    pub brand: u32,
    /// Colour number.
    pub colour: u32,
    /// Price in cents.
    pub price_minor: i64,
    /// Cost in cents.
    pub cost_minor: i64,
    /// How much dearer it is than its leaf's level: ln(price / level).
    pub price_ln: f64,
    /// Hidden quality, standard normal.
    pub quality: f64,
    /// Probability that a unit sold comes back.
    pub return_rate: f64,
    /// Units that can be bought.
    pub stock: u32,
}

impl Shop {
    /// A shop; parameters beyond their bounds are moved to the bound.
    pub fn new(params: Params) -> Self {
        let params = Params {
            products: params.products.clamp(100, 1_000_000),
            shoppers: params.shoppers.max(1),
            days: params.days.max(1),
            ..params
        };
        let leaf_count = (params.products / 150).clamp(72, LEAVES_MAX).min(params.products);
        let mut stride = (f64::from(params.products) * 0.618_034) as u64 | 1;
        while common_divisor(stride, u64::from(params.products)) != 1 {
            stride += 2;
        }
        Self {
            params,
            starts: leaf_starts(params.products, leaf_count),
            brands_per_department: (params.products / 600).clamp(4, 340),
            stride,
        }
    }

    /// Number of leaves.
    pub fn leaf_count(&self) -> u32 {
        (self.starts.len() - 1) as u32
    }

    /// Brands of each department.
    pub fn brand_count(&self) -> u32 {
        self.brands_per_department
    }

    /// The department of a leaf, 0..12.
    pub fn department(&self, leaf: u32) -> usize {
        leaf as usize % DEPARTMENTS.len()
    }

    fn noun(&self, leaf: u32) -> usize {
        leaf as usize / DEPARTMENTS.len() % 6
    }

    /// The leaf whose products go with those of `leaf`: kinds 0 and 5 (what fits it), 1 and 2, 3 and 4 of one department.
    pub fn leaf_that_goes_with(&self, leaf: u32) -> u32 {
        let departments = DEPARTMENTS.len() as u32;
        let partner = [5, 2, 1, 4, 3, 0][self.noun(leaf)];
        let (department, turn) = (leaf % departments, leaf / (departments * 6));
        let at = |turn: u32| department + departments * (partner + 6 * turn);
        if at(turn) < self.leaf_count() { at(turn) } else { at(0) }
    }

    /// Numbers of the products in a leaf.
    pub fn products_of(&self, leaf: u32) -> std::ops::Range<u32> {
        self.starts[leaf as usize]..self.starts[leaf as usize + 1]
    }

    /// The leaf of a product.
    pub fn leaf_of(&self, product: u32) -> u32 {
        (self.starts.partition_point(|start| *start <= product) - 1) as u32
    }

    /// Rows that a product of the leaf has.
    pub fn rows_per_group(&self, leaf: u32) -> u32 {
        if DEPARTMENTS[self.department(leaf)].has_sizes { SIZE_COUNT } else { 1 }
    }

    /// Number of products, sizes counted once, in a leaf.
    pub fn group_count(&self, leaf: u32) -> u32 {
        let range = self.products_of(leaf);
        (range.end - range.start).div_ceil(self.rows_per_group(leaf))
    }

    /// A row of a product: its size by `roll`.
    pub fn row_of(&self, leaf: u32, group: u32, roll: u32) -> u32 {
        let (range, rows) = (self.products_of(leaf), self.rows_per_group(leaf));
        let first = range.start + group * rows;
        (first + roll % rows).min(range.end - 1)
    }

    /// What products of a leaf usually cost, in cents.
    pub fn level_minor(&self, leaf: u32) -> f64 {
        let base = [12_000.0, 4_000.0, 1_500.0, 6_000.0, 2_000.0, 900.0][self.noun(leaf)];
        base * libm::exp(0.5 * self.dice(What::Leaf, leaf).normal())
    }

    fn dice(&self, what: What, no: u32) -> Dice {
        Dice::new(self.params.seed, what, u64::from(no))
    }

    /// All that is true of a product, which MUST be one of the shop's.
    pub fn product(&self, no: u32) -> Product {
        let leaf = self.leaf_of(no);
        let (first, rows) = (self.starts[leaf as usize], self.rows_per_group(leaf));
        let group = (no - first) / rows;
        let mut dice = self.dice(What::Group, first + group * rows);
        let brand = dice.skewed(self.brands_per_department, 2.0);
        let mut brand_dice = self.dice(What::Brand, self.department(leaf) as u32 * 1000 + brand);
        let price_ln = 0.3 * brand_dice.normal() + 0.35 * dice.normal();
        let price = self.level_minor(leaf) * libm::exp(price_ln);
        let price_minor = ((price / 100.0) as i64).max(1) * 100 - 1;
        let margin = 0.2 + 0.25 * brand_dice.unit() + 0.15 * dice.unit();
        let quality = dice.normal();
        let mut row = self.dice(What::Row, no);
        let is_out = row.happens(self.params.out_of_stock_share);
        Product {
            no,
            leaf,
            group,
            size: (rows > 1).then(|| (no - first) % rows),
            style: group % STYLES.len() as u32,
            brand,
            colour: dice.below(COLOURS.len() as u32),
            price_minor,
            cost_minor: (price_minor as f64 * (1.0 - margin)) as i64,
            price_ln,
            quality,
            return_rate: logistic(-2.6 - 0.8 * quality + DEPARTMENTS[self.department(leaf)].returns_logit),
            stock: if is_out { 0 } else { 1 + row.skewed(500, 2.0) },
        }
    }

    /// The external id of a product.
    pub fn id(&self, product: u32) -> String {
        format!("P{:07}", self.shuffled(product))
    }

    /// The product with this external id.
    pub fn product_with_id(&self, id: &str) -> Option<u32> {
        let shuffled: u32 = id.strip_prefix('P')?.parse().ok()?;
        let count = u64::from(self.params.products);
        (u64::from(shuffled) < count).then(|| {
            (u128::from(shuffled) * u128::from(inverse(self.stride, count)) % u128::from(count)) as u32
        })
    }

    fn shuffled(&self, product: u32) -> u64 {
        u64::from(product) * self.stride % u64::from(self.params.products)
    }

    fn group_id(&self, product: &Product) -> String {
        let first = self.starts[product.leaf as usize] + product.group * self.rows_per_group(product.leaf);
        format!("G{:07}", self.shuffled(first))
    }

    /// The path of a leaf, `Kitchen > Pans > Classic Pans`.
    pub fn path(&self, leaf: u32) -> String {
        let (department, noun) = (&DEPARTMENTS[self.department(leaf)], self.noun(leaf));
        format!("{} > {} > {}", department.name, department.nouns[noun], self.leaf_name(leaf))
    }

    fn leaf_name(&self, leaf: u32) -> String {
        let turn = leaf as usize / (DEPARTMENTS.len() * 6);
        let noun = DEPARTMENTS[self.department(leaf)].nouns[self.noun(leaf)];
        let (first, second) =
            (LEAF_FIRST[turn % LEAF_FIRST.len()], LEAF_SECOND[turn / LEAF_FIRST.len() % LEAF_SECOND.len()]);
        if second.is_empty() { format!("{first} {noun}") } else { format!("{first} {second} {noun}") }
    }

    /// A brand's name.
    pub fn brand_name(&self, department: usize, brand: u32) -> String {
        let no = brand as usize * DEPARTMENTS.len() + department;
        let syllable = |place: usize| SYLLABLES[no / SYLLABLES.len().pow(place as u32) % SYLLABLES.len()];
        let name = format!("{}{}{}", syllable(0), syllable(1), syllable(2));
        name[..1].to_uppercase() + &name[1..]
    }

    /// What shoppers call a style.
    pub fn style_name(&self, style: u32) -> String {
        STYLES[style as usize].to_lowercase()
    }

    /// The model code of a product that others fit.
    pub fn model_code(&self, product: &Product) -> String {
        format!(
            "{}-{}",
            self.brand_name(self.department(product.leaf), product.brand).to_uppercase(),
            product.group
        )
    }

    /// Whether `accessory` fits `device`: kinds 5 and 0 of leaves that go together, of the same style, the device not
    /// among the least appealing.
    pub fn fits(&self, accessory: &Product, device: &Product) -> bool {
        self.noun(accessory.leaf) == 5
            && self.noun(device.leaf) == 0
            && self.leaf_that_goes_with(accessory.leaf) == device.leaf
            && accessory.style == device.style
            && device.group < FITS_GROUPS
    }

    /// Whether the two are bought together more than chance would have it.
    pub fn are_complements(&self, a: &Product, b: &Product) -> bool {
        self.leaf_that_goes_with(a.leaf) == b.leaf && a.style == b.style
    }

    /// Whether one can stand in for the other.
    pub fn are_substitutes(&self, a: &Product, b: &Product) -> bool {
        a.leaf == b.leaf && a.style == b.style && a.group != b.group
    }

    /// The whole catalogue as the shop sends it, in the order of ids.
    pub fn patches(&self) -> impl Iterator<Item = ProductPatch> + '_ {
        let back = inverse(self.stride, u64::from(self.params.products));
        let count = u64::from(self.params.products);
        (0..count).map(move |at| self.patch((at * back % count) as u32))
    }

    /// One row as the shop sends it.
    pub fn patch(&self, no: u32) -> ProductPatch {
        let product = self.product(no);
        let money = |minor| Money { minor, currency: Currency::EUR };
        let availability = if product.stock > 0 { Availability::InStock } else { Availability::OutOfStock };
        ProductPatch {
            id: self.id(no),
            as_of: self.params.start,
            price: Some(money(product.price_minor)),
            sale_price: None,
            availability: Some(availability),
            stock: Some(product.stock),
            content: Some(Box::new(self.content(&product))),
            vector: None,
        }
    }

    fn content(&self, product: &Product) -> Content {
        let department = self.department(product.leaf);
        let brand = self.brand_name(department, product.brand);
        let style = STYLES[product.style as usize];
        let name = self.leaf_name(product.leaf);
        let mut dice = self.dice(What::Row, product.no);
        let age_days = dice.below(720);
        let mean = (3.6 + 0.5 * product.quality).clamp(1.0, 5.0);
        Content {
            title: format!("{brand} {style} {name} No. {}", product.group + 1),
            description: format!("{style} {name} by {brand}, in {}.", COLOURS[product.colour as usize]),
            link: format!("https://shop.example/p/{}", self.shuffled(product.no)),
            image_link: format!("https://shop.example/i/{}.jpg", self.shuffled(product.no)),
            brand,
            item_group_id: if product.size.is_some() { self.group_id(product) } else { String::new() },
            categories: vec![self.path(product.leaf)],
            cost: Some(Money { minor: product.cost_minor, currency: Currency::EUR }),
            published_at: Some(Millis(self.params.start.0 - i64::from(age_days) * DAY_MS)),
            expires_at: None,
            hidden: false,
            rating: Some((mean as f32, 2000 / (product.group + 1))),
            attributes: self.attributes(product, &mut dice),
        }
    }

    fn attributes(&self, product: &Product, dice: &mut Dice) -> Vec<(String, String)> {
        let mut attributes = vec![
            ("color".to_owned(), COLOURS[product.colour as usize].to_owned()),
            ("material".to_owned(), (*dice.pick(&MATERIALS)).to_owned()),
            ("style".to_owned(), STYLES[product.style as usize].to_owned()),
            ("eco".to_owned(), if dice.happens(0.2) { "yes" } else { "no" }.to_owned()),
        ];
        if let Some(size) = product.size {
            attributes.push(("size".to_owned(), SIZES[size as usize].to_owned()));
        }
        match self.noun(product.leaf) {
            0 => attributes.push(("model".to_owned(), self.model_code(product))),
            5 => attributes.push(("fits".to_owned(), self.fitting_models(product))),
            _ => {}
        }
        attributes
    }

    /// The models an accessory fits.
    fn fitting_models(&self, accessory: &Product) -> String {
        let leaf = self.leaf_that_goes_with(accessory.leaf);
        let groups = (accessory.style..self.group_count(leaf).min(FITS_GROUPS)).step_by(STYLES.len());
        let codes: Vec<String> =
            groups.map(|group| self.model_code(&self.product(self.row_of(leaf, group, 0)))).collect();
        codes.join(",")
    }
}

/// 1 / (1 + e^-x).
pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// Leaves of sizes that fall with their number, none empty, together `products`.
fn leaf_starts(products: u32, leaf_count: u32) -> Vec<u32> {
    let weight = |leaf: u32| 1.0 / libm::sqrt(f64::from(leaf) + 20.0);
    let total: f64 = (0..leaf_count).map(weight).sum();
    let spare = f64::from(products - leaf_count);
    let (mut starts, mut sum) = (vec![0], 0.0);
    for leaf in 0..leaf_count {
        sum += weight(leaf);
        starts.push(leaf + 1 + (spare * sum / total + 1e-6) as u32);
    }
    if let Some(last) = starts.last_mut() {
        *last = products;
    }
    starts
}

fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// The number that undoes a multiplication by `stride` modulo `count` (extended Euclid).
fn inverse(stride: u64, count: u64) -> u64 {
    let (mut r, mut next_r) = (count as i64, (stride % count) as i64);
    let (mut t, mut next_t) = (0_i64, 1_i64);
    while next_r != 0 {
        let quotient = r / next_r;
        (r, next_r) = (next_r, r - quotient * next_r);
        (t, next_t) = (next_t, t - quotient * next_t);
    }
    t.rem_euclid(count as i64) as u64
}
