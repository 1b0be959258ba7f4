//! The catalogue as columns: one hot row a product for filters, the moments at which each field was true, and what
//! describes it. Copy-on-write, so that a published snapshot costs a reference count a chunk.

mod kept;
mod markets;
mod undo;

pub use kept::{FETCHED, Kept};
pub use markets::{is_locale, locale_of};

use crate::category_tree::{CategorySet, Tree};
use crate::content::{Facts, Packed};
use crate::numbering::Numbering;
use crate::variants::Variants;
use bespoke_domain::id::BrandNo;
use bespoke_domain::product::{Availability, Content, ProductPatch};
use bespoke_domain::{CategoryNo, GroupNo, Millis, Money, ProductNo};
use bespoke_models::cow::CowVec;
use bespoke_models::vector_index::VectorIndex;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most different attribute values that conditions can name; later ones are not found.
pub const TAGS_MAX: usize = 1_000_000;
/// Longest attribute value that becomes a tag, in bytes: longer ones are texts, not values.
const TAG_LEN_MAX: usize = 64;
/// Most tags of one product.
const PRODUCT_TAGS_MAX: usize = 256;
/// Words of a title that become tags.
const TITLE_WORDS_MAX: usize = 12;
/// What an attribute ends with that keeps what a feed said, beside what is meant.
pub const RAW: &str = "_raw";
/// Attributes whose values name one product each.
const NAMING: [&str; 4] = ["gtin", "mpn", "sku", "identifier"];

/// A number of a product, for conditions and scorers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Number {
    /// What it costs now, in the currency's main unit.
    Price,
    /// Share of the price that is left after cost.
    Margin,
    /// Share by which the sale price is below the price.
    Discount,
    /// Units that can be sold.
    Stock,
    /// Mean rating, 0 to 5.
    Rating,
    /// Number of ratings.
    RatingCount,
    /// Days since it was first offered.
    AgeDays,
}

/// What filters, caps and scorers read of a product, 24 bytes: small, so that a candidate costs one cache line.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Main category; 0 where it has none.
    pub category: CategoryNo,
    /// Brand; 0 where it has none.
    pub brand: BrandNo,
    /// The product this row is a variant of.
    pub group: GroupNo,
    /// Not offered from this second of the epoch on.
    pub expires_s: u32,
    /// Binary logarithm of what it costs now, in the currency's main unit; NaN where that is not known.
    pub octave: f32,
    /// Whether it is in the catalogue, not hidden, and can be bought.
    pub offered: bool,
    /// Per cent of the price left after cost, -100 to 100; 0 where no cost is known.
    pub margin: i8,
    /// Units that can be sold; 255 = more, or not counted.
    pub stock: u8,
    /// The set of markets it is sold in and of the language it is described in, see [`Catalog::shown_in`]; 0 = everywhere, to everybody.
    pub markets: u8,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            category: CategoryNo::default(),
            brand: BrandNo::default(),
            group: GroupNo::default(),
            expires_s: 0,
            octave: f32::NAN,
            offered: false,
            margin: 0,
            stock: u8::MAX,
            markets: 0,
        }
    }
}

impl Row {
    /// What stands for a category among candidates: always there.
    pub fn of_category(category: CategoryNo) -> Self {
        Self { category, expires_s: u32::MAX, offered: true, ..Self::default() }
    }

    /// Whether it may be shown at `now`: in the catalogue, not hidden, not expired, can be bought.
    #[inline]
    pub fn is_available(&self, now: Millis) -> bool {
        self.offered & (now.0 < i64::from(self.expires_s) * 1000)
    }
}

/// The fields that change by the moment, each with the time at which it was true.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Moments {
    price: Option<Money>,
    sale_price: Option<Money>,
    availability: Option<Availability>,
    stock: Option<u32>,
    as_of: [i64; 6],
}

/// Whether values of an attribute name one product each.
pub fn is_naming(name: &str) -> bool {
    NAMING.iter().any(|naming| naming.eq_ignore_ascii_case(name))
}

fn is_tag(name: &str, value: &str) -> bool {
    !value.is_empty() && !name.ends_with(RAW) && value.len() <= TAG_LEN_MAX && !is_naming(name)
}

/// Attributes that a product's own fields say.
const OWN: [&str; 2] = ["title", "category"];

/// Whether an attribute is one of those that every product's own fields say.
fn is_own(name: &str) -> bool {
    OWN.iter().any(|own| own.eq_ignore_ascii_case(name))
}

fn main_unit(money: Money) -> f64 {
    money.minor as f64 / f64::from(10_u32.pow(money.currency.exponent()))
}

fn tag_name(name: &str, value: &str) -> String {
    format!("{}\u{1f}{}", name.to_lowercase(), value.trim().to_lowercase())
}

/// All products.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Catalog {
    rows: CowVec<Row, 4096>,
    ids: CowVec<Arc<str>, 4096>,
    moments: CowVec<Moments, 1024>,
    contents: CowVec<Option<Packed>, 1024>,
    /// Sorted numbers of each product's attribute values.
    tags: CowVec<Arc<[u32]>, 1024>,
    kept: CowVec<Kept, 1024>,
    /// Of 64 products each, a bit each: which are offered, which of them until some time only, and which share their product with
    /// other rows.
    offered: CowVec<[u64; 3], 256>,
    tree: Arc<Tree>,
    brands: Arc<Numbering>,
    tag_names: Arc<Numbering>,
    /// By tag: that of the attribute whose value it is.
    tag_owners: CowVec<u32, 4096>,
    /// Those of the attributes that every product's own fields say.
    own_tags: Vec<u32>,
    variants: Variants,
    /// Sets of markets, their names sorted and with commas, each with the language of its products; the first is everywhere.
    market_sets: Arc<Numbering>,
    vectors: VectorIndex,
}

impl Catalog {
    /// Products with a number, in the catalogue or only seen in events.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no product has a number.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Gives the next number to `id`.
    pub fn add(&mut self, id: Arc<str>) -> ProductNo {
        let group = self.variants.add();
        self.rows.push(Row { expires_s: u32::MAX, group, ..Row::default() });
        self.ids.push(id);
        self.moments.push(Moments { as_of: [i64::MIN; 6], ..Moments::default() });
        self.contents.push(None);
        self.tags.push(Arc::default());
        self.kept.push(Kept::of(group));
        self.offered.grow_to(self.rows.len().div_ceil(64), &[0; 3]);
        ProductNo((self.rows.len() - 1) as u32)
    }

    /// Products that are described otherwise than in `before`, an earlier copy of this.
    pub fn described_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = ProductNo> + 'a {
        let is_same = |at: usize| match (self.contents.get(at), before.contents.get(at)) {
            (Some(Some(now)), Some(Some(then))) => now.is_same(then),
            (Some(None), Some(None) | None) => true,
            _ => false,
        };
        let changed = self.contents.changed_since(&before.contents);
        changed.filter(move |at| !is_same(*at)).map(|at| ProductNo(at as u32))
    }

    /// All hot rows, by number.
    pub fn rows(&self) -> impl Iterator<Item = (ProductNo, &Row)> {
        (0..).map(ProductNo).zip(self.rows.iter())
    }

    /// Number of brands, the first of which is none.
    pub fn brand_count(&self) -> usize {
        self.brands.names.len()
    }

    /// A brand as it is written.
    pub fn brand(&self, brand: BrandNo) -> &str {
        self.brands.names.get(brand.index()).map_or("", |name| name)
    }

    /// The category above one; the whole shop is its own.
    pub fn parent(&self, category: CategoryNo) -> CategoryNo {
        self.tree.parents.get(category.index()).copied().unwrap_or_default()
    }

    /// The hot row.
    #[inline]
    pub fn row(&self, product: ProductNo) -> Option<&Row> {
        self.rows.get(product.index())
    }

    /// When its content was true at the shop; `None` where it has none.
    pub fn content_as_of(&self, product: ProductNo) -> Option<Millis> {
        self.packed(product)?;
        self.moments.get(product.index()).map(|moments| Millis(moments.as_of[4]))
    }

    /// The products that may be shown at `now`.
    pub fn available(&self, now: Millis) -> impl Iterator<Item = ProductNo> + '_ {
        self.rows().filter(move |(_, row)| row.is_available(now)).map(|(no, _)| no)
    }

    /// The external id.
    pub fn id(&self, product: ProductNo) -> &str {
        self.ids.get(product.index()).map_or("", |id| id)
    }

    /// What describes it; `None` for a product only seen in events.
    pub fn content(&self, product: ProductNo) -> Option<Content> {
        self.packed(product).map(Packed::unpack)
    }

    /// Its title; `None` for a product only seen in events.
    pub fn title(&self, product: ProductNo) -> Option<&str> {
        self.packed(product).map(Packed::title)
    }

    /// The row and the other variants of the same product.
    pub fn variants(&self, product: ProductNo) -> impl Iterator<Item = ProductNo> + '_ {
        self.variants.of(product)
    }

    /// Makes the row with the id `name` one of the group `name`, where it is in none yet.
    pub fn adopt(&mut self, parent: ProductNo, name: &str) {
        let Some(before) = self.row(parent).map(|row| row.group) else { return };
        let group = self.variants.put(parent, before, name, "");
        if let Some(row) = self.rows.get_mut(parent.index()).filter(|_| group != before) {
            row.group = group;
            self.follow(parent);
        }
    }

    /// The vectors that the shop has of products.
    pub fn vectors(&self) -> &VectorIndex {
        &self.vectors
    }

    /// Its attributes, name and value.
    pub fn attributes(&self, product: ProductNo) -> Vec<(&str, &str)> {
        self.packed(product).map(Packed::attributes).unwrap_or_default()
    }

    /// What is read of many products; `None` for one only seen in events.
    pub fn facts(&self, product: ProductNo) -> Option<Facts> {
        self.packed(product).map(Packed::facts)
    }

    fn packed(&self, product: ProductNo) -> Option<&Packed> {
        self.contents.get(product.index())?.as_ref()
    }

    /// What it costs now: the sale price where there is one.
    pub fn price(&self, product: ProductNo) -> Option<Money> {
        let moments = self.moments.get(product.index())?;
        moments.sale_price.or(moments.price)
    }

    /// A number of the product as of `now`, where it is known.
    pub fn number(&self, product: ProductNo, number: Number, now: Millis) -> Option<f64> {
        let moments = self.moments.get(product.index())?;
        let facts = || self.facts(product);
        match number {
            Number::Price => moments.sale_price.or(moments.price).map(main_unit),
            Number::Margin => {
                let price = main_unit(moments.sale_price.or(moments.price)?);
                (price > 0.0).then_some(())?;
                Some(1.0 - main_unit(facts()?.cost?) / price)
            }
            Number::Discount => {
                let price = main_unit(moments.price?);
                (price > 0.0).then_some(())?;
                Some(1.0 - moments.sale_price.map_or(price, main_unit) / price)
            }
            Number::Stock => moments.stock.map(f64::from),
            Number::Rating => facts()?.rating.map(|(mean, _)| f64::from(mean)),
            Number::RatingCount => facts()?.rating.map(|(_, count)| f64::from(count)),
            Number::AgeDays => facts()?.published_at.map(|since| now.days() - since.days()),
        }
    }

    /// The product's attribute values as numbers, sorted.
    #[inline]
    pub fn tags(&self, product: ProductNo) -> &[u32] {
        self.tags.get(product.index()).map_or(&[], |tags| tags)
    }

    /// Those of them that are an attribute's value, not the attribute itself.
    pub fn values(&self, product: ProductNo) -> impl Iterator<Item = u32> + '_ {
        let name = |tag: u32| self.tag_names.names.get(tag as usize);
        let is_value = move |tag: &u32| name(*tag).is_some_and(|name| !name.ends_with('\u{1f}'));
        self.tags(product).iter().copied().filter(is_value)
    }

    /// [`Catalog::tags`], to keep over a change.
    pub fn tags_shared(&self, product: ProductNo) -> Arc<[u32]> {
        self.tags.get(product.index()).cloned().unwrap_or_default()
    }

    /// The number of an attribute's value, whatever the letter case; of the attribute itself where `value` is empty.
    pub fn tag(&self, name: &str, value: &str) -> Option<u32> {
        self.tag_names.get(&tag_name(name, value))
    }

    /// The product's values of one attribute, `name` in lower case.
    pub fn values_of<'a>(&'a self, product: ProductNo, name: &'a str) -> impl Iterator<Item = u32> + 'a {
        let is_value = move |tag: &u32| {
            let held = self.tag_names.names.get(*tag as usize).and_then(|held| held.strip_prefix(name));
            held.and_then(|held| held.strip_prefix('\u{1f}')).is_some_and(|value| !value.is_empty())
        };
        self.tags(product).iter().copied().filter(is_value)
    }

    /// The attribute and the value that a number stands for, in lower case; the value is empty for the attribute itself.
    pub fn tag_parts(&self, tag: u32) -> Option<(&str, &str)> {
        self.tag_names.names.get(tag as usize)?.split_once('\u{1f}')
    }

    /// The number of the attribute whose value a number stands for.
    #[inline]
    pub fn tag_owner(&self, tag: u32) -> Option<u32> {
        self.tag_owners.get(tag as usize).copied()
    }

    /// Number of different attribute values.
    pub fn tag_count(&self) -> usize {
        self.tag_names.names.len()
    }

    /// Whether `category` is one of `list` or lies below one.
    #[inline]
    pub fn is_within(&self, category: CategoryNo, list: &[CategoryNo]) -> bool {
        let mut at = category;
        loop {
            if list.contains(&at) {
                return true;
            }
            match self.tree.parents.get(at.index()) {
                Some(&parent) if at.0 != 0 => at = parent,
                _ => return false,
            }
        }
    }

    /// The number of a category path.
    pub fn category(&self, path: &str) -> Option<CategoryNo> {
        let parts: Vec<&str> = path.split('>').map(str::trim).filter(|part| !part.is_empty()).collect();
        self.tree.paths.get(&parts.join(" > ")).map(CategoryNo)
    }

    /// The path of a category.
    pub fn category_path(&self, category: CategoryNo) -> &str {
        self.tree.paths.names.get(category.index()).map_or("", |path| path)
    }

    /// The category and all above it, the whole shop last.
    pub fn categories_up(&self, category: CategoryNo) -> Vec<CategoryNo> {
        let mut up = vec![category];
        let mut at = category;
        while at.0 != 0 {
            at = self.tree.parents.get(at.index()).copied().unwrap_or_default();
            up.push(at);
        }
        up
    }

    /// Number of categories.
    pub fn category_count(&self) -> usize {
        self.tree.parents.len()
    }

    /// These categories and all below them.
    pub fn with_all_below(&self, categories: &[CategoryNo]) -> CategorySet {
        let mut all = CategorySet::default();
        if categories.is_empty() {
            return all;
        }
        // A parent's number is smaller than its children's, so that one pass reaches every depth.
        for (no, &parent) in (0..).map(CategoryNo).zip(&self.tree.parents) {
            if categories.contains(&no) || (no.0 > 0 && all.contains(parent)) {
                all.insert(no);
            }
        }
        all
    }

    /// Applies a patch, field by field where it is newer; returns the main categories before and after.
    pub fn apply(&mut self, product: ProductNo, patch: &ProductPatch) -> (CategoryNo, CategoryNo) {
        let before = self.row(product).map_or(CategoryNo(0), |row| row.category);
        self.apply_moments(product, patch);
        if let Some(content) = &patch.content
            && self.is_newer(product, 4, patch.as_of)
        {
            self.apply_content(product, content);
        }
        if let Some(vector) = &patch.vector
            && self.is_newer(product, 5, patch.as_of)
        {
            self.vectors.change(product, vector);
        }
        self.settle(product);
        (before, self.row(product).map_or(CategoryNo(0), |row| row.category))
    }

    /// Whether content of this moment is no older than what is known.
    pub fn takes_content(&self, product: ProductNo, as_of: Millis) -> bool {
        self.moments.get(product.index()).is_some_and(|moments| as_of.0 >= moments.as_of[4])
    }

    fn is_newer(&mut self, product: ProductNo, field: usize, as_of: Millis) -> bool {
        let Some(moments) = self.moments.get_mut(product.index()) else { return false };
        let newer = as_of.0 >= moments.as_of[field];
        if newer {
            moments.as_of[field] = as_of.0;
        }
        newer
    }

    fn apply_moments(&mut self, product: ProductNo, patch: &ProductPatch) {
        let given = [
            patch.price.is_some(),
            patch.sale_price.is_some(),
            patch.availability.is_some(),
            patch.stock.is_some(),
        ];
        for (field, _) in given.iter().enumerate().filter(|(_, given)| **given) {
            if !self.is_newer(product, field, patch.as_of) {
                continue;
            }
            let Some(moments) = self.moments.get_mut(product.index()) else { return };
            match field {
                0 => moments.price = patch.price,
                1 => moments.sale_price = patch.sale_price.flatten(),
                2 => moments.availability = patch.availability,
                _ => moments.stock = patch.stock,
            }
        }
    }

    fn apply_content(&mut self, product: ProductNo, content: &Content) {
        let category =
            Arc::make_mut(&mut self.tree).number(content.categories.first().map_or("", String::as_str));
        let brands = Arc::make_mut(&mut self.brands);
        if brands.names.is_empty() {
            brands.number("");
        }
        let brand = BrandNo(brands.number(&content.brand));
        let before = self.row(product).map(|row| row.group).unwrap_or_default();
        let own_id = self.ids.get(product.index()).cloned().unwrap_or_default();
        let group = self.variants.put(product, before, &own_id, &content.item_group_id);
        let markets = self.market_set(content);
        let expires_s =
            content.expires_at.map_or(u32::MAX, |at| (at.0 / 1000).clamp(0, i64::from(u32::MAX)) as u32);
        if let Some(row) = self.rows.get_mut(product.index()) {
            *row = Row { category, brand, group, expires_s, markets, ..*row };
        }
        let tags = self.tags_of(content);
        let kept = self.kept_of(content);
        if let Some(slot) = self.kept.get_mut(product.index()) {
            *slot = kept;
        }
        if let Some(slot) = self.tags.get_mut(product.index()) {
            *slot = tags;
        }
        if let Some(slot) = self.contents.get_mut(product.index()) {
            *slot = Some(Packed::new(content));
        }
    }

    fn tags_of(&mut self, content: &Content) -> Arc<[u32]> {
        let brand = (!content.brand.is_empty()).then_some(("brand", content.brand.as_str()));
        let category = content.categories.first().map(|path| ("category", path.as_str()));
        let words = content.title.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2);
        let words = words.take(TITLE_WORDS_MAX).map(|word| ("title", word));
        let listed = content
            .attributes
            .iter()
            .flat_map(|(name, values)| values.split(',').map(move |value| (name.as_str(), value)));
        let others = category.into_iter().chain(words).chain(listed);
        let is_value = |(name, value): &(&str, &str)| is_tag(name, value);
        let (names, owners) = (&mut self.tag_names, &mut self.tag_owners);
        // Looked up first: a snapshot may hold the names, and taking a new one in then copies them all.
        let mut number = |name: &str, value: &str| {
            let name = tag_name(name, value);
            let known = names.get(&name);
            let has_room = names.names.len() < TAGS_MAX;
            known.or_else(|| has_room.then(|| Arc::make_mut(names).number(&name)))
        };
        let mut tags: Vec<u32> = brand
            .into_iter()
            .chain(others)
            .filter(is_value)
            .take(PRODUCT_TAGS_MAX / 2)
            .flat_map(|(name, value)| {
                let owner = number(name, "");
                let tag = owner.and_then(|_| number(name, value));
                if let (Some(owner), Some(tag)) = (owner, tag)
                    && tag as usize >= owners.len()
                {
                    owners.grow_to(tag as usize, &u32::MAX);
                    owners.push(owner);
                }
                [owner, tag]
            })
            .flatten()
            .collect();
        tags.sort_unstable();
        tags.dedup();
        if self.own_tags.len() < OWN.len() {
            self.own_tags = OWN.iter().filter_map(|name| self.tag_names.get(&tag_name(name, ""))).collect();
        }
        tags.into()
    }

    /// Works out whether the row is offered, from all that is known of it.
    fn settle(&mut self, product: ProductNo) {
        let Some(moments) = self.moments.get(product.index()) else { return };
        let can_be_bought =
            moments.availability.is_some_and(|availability| availability != Availability::OutOfStock)
                && moments.stock != Some(0);
        let offered = can_be_bought && self.facts(product).is_some_and(|facts| !facts.hidden);
        let number = |number| self.number(product, number, Millis(0));
        let price = number(Number::Price).filter(|price| *price > 0.0);
        let octave = price.map_or(f32::NAN, |price| libm::log2(price) as f32);
        let margin = number(Number::Margin).map_or(0, |share| (share.clamp(-1.0, 1.0) * 100.0) as i8);
        let stock = moments.stock.map_or(u8::MAX, |units| units.min(u32::from(u8::MAX)) as u8);
        let is_same = |row: &Row| {
            (row.offered, row.margin, row.stock) == (offered, margin, stock)
                && row.octave.to_bits() == octave.to_bits()
        };
        if self.rows.get(product.index()).is_some_and(|row| !is_same(row))
            && let Some(row) = self.rows.get_mut(product.index())
        {
            (row.offered, row.margin, row.stock, row.octave) = (offered, margin, stock, octave);
        }
        self.follow(product);
    }

    /// The copy a snapshot keeps: everything but what only the fold needs.
    #[must_use]
    pub fn freeze(&mut self) -> Self {
        let variants = self.variants.freeze();
        let live = std::mem::replace(&mut self.variants, variants);
        let frozen = self.clone();
        self.variants = live;
        frozen
    }

    /// Rebuilds what a checkpoint leaves out; calls `each` with every id and number.
    pub fn restore(&mut self, mut each: impl FnMut(Arc<str>, ProductNo)) {
        Arc::make_mut(&mut self.tree).paths.restore();
        Arc::make_mut(&mut self.brands).restore();
        Arc::make_mut(&mut self.tag_names).restore();
        self.variants.restore();
        Arc::make_mut(&mut self.market_sets).restore();
        for (no, id) in self.ids.iter().enumerate() {
            each(id.clone(), ProductNo(no as u32));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(as_of: i64) -> ProductPatch {
        ProductPatch { id: "a".into(), as_of: Millis(as_of), ..ProductPatch::default() }
    }

    fn is_available(catalog: &Catalog, product: ProductNo) -> bool {
        catalog.row(product).is_some_and(|row| row.is_available(Millis(0)))
    }

    fn mug() -> Box<Content> {
        Box::new(Content {
            title: "Mug".into(),
            categories: vec!["Home>Kitchen".into()],
            ..Content::default()
        })
    }

    #[test]
    fn the_newest_as_of_wins_field_by_field_whatever_the_order() {
        let mut catalog = Catalog::default();
        let no = catalog.add("a".into());
        catalog.apply(no, &ProductPatch { content: Some(mug()), stock: Some(0), ..patch(20) });
        catalog.apply(
            no,
            &ProductPatch { availability: Some(Availability::InStock), stock: Some(9), ..patch(10) },
        );
        assert!(!is_available(&catalog, no), "the older stock of 9 does not beat the newer 0");
        catalog.apply(no, &ProductPatch { stock: Some(3), ..patch(21) });
        assert!(is_available(&catalog, no), "availability of 10 stands, stock of 21 is 3");
    }

    #[test]
    fn what_is_kept_beside_a_row_follows_it() {
        let mut catalog = Catalog::default();
        let (parent, child) = (catalog.add("a".into()), catalog.add("b".into()));
        let of = |group: &str, path: &str, expires_s: Option<i64>| {
            let content = Content {
                item_group_id: group.into(),
                categories: vec![path.into()],
                expires_at: expires_s.map(|s| Millis(s * 1000)),
                ..*mug()
            };
            Some(Box::new(content))
        };
        let price = |minor| Some(Money { minor, currency: bespoke_domain::Currency::EUR });
        let in_stock = Some(Availability::InStock);
        let steps = [
            (parent, ProductPatch { content: of("", "Home", None), availability: in_stock, ..patch(1) }),
            (child, ProductPatch { content: of("a", "Home", None), price: price(900), ..patch(2) }),
            (parent, ProductPatch { price: price(700), stock: Some(0), ..patch(3) }),
            (parent, ProductPatch { stock: Some(2), content: of("", "Garden", Some(90)), ..patch(4) }),
            (child, ProductPatch { content: of("", "Garden", None), availability: in_stock, ..patch(5) }),
        ];
        for (product, patch) in steps {
            catalog.apply(product, &patch);
            catalog.adopt(parent, "a");
            for (no, row) in catalog.rows() {
                let kept = catalog.kept(no).expect("kept");
                assert_eq!((kept.category, kept.group), (row.category, row.group), "{no:?}");
                assert_eq!(kept.octave.to_bits(), row.octave.to_bits(), "{no:?}");
                assert_eq!(catalog.is_variant(no), !crate::variants::is_lone(row.group), "{no:?}");
                for now in [Millis(89_999), Millis(90_000)] {
                    assert_eq!(catalog.is_available(no, now), row.is_available(now), "{no:?} {now:?}");
                }
            }
        }
        assert!(
            catalog.is_available(parent, Millis(89_999)) && !catalog.is_available(parent, Millis(90_000))
        );
    }

    #[test]
    fn what_has_no_content_is_not_offered() {
        let mut catalog = Catalog::default();
        let no = catalog.add("a".into());
        catalog.apply(no, &ProductPatch { availability: Some(Availability::InStock), ..patch(1) });
        assert!(!is_available(&catalog, no));
    }

    #[test]
    fn paths_are_a_tree_under_the_whole_shop() {
        let mut catalog = Catalog::default();
        let no = catalog.add("a".into());
        let (before, after) = catalog.apply(no, &ProductPatch { content: Some(mug()), ..patch(1) });
        assert_eq!((before, catalog.category_path(after)), (CategoryNo(0), "Home > Kitchen"));
        let up: Vec<&str> =
            catalog.categories_up(after).into_iter().map(|no| catalog.category_path(no)).collect();
        assert_eq!(up, ["Home > Kitchen", "Home", ""]);
        assert_eq!(catalog.category(" Home >Kitchen"), Some(after));
    }
}
