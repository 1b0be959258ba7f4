//! What is looked at of every result of a search: copies of columns of the catalogue, packed for many products at once.

use super::{Catalog, Row, is_own, is_tag};
use crate::variants::is_lone;
use bespoke_domain::product::Content;
use bespoke_domain::{CategoryNo, GroupNo, Millis, ProductNo};
use serde::{Deserialize, Serialize};

/// Values of a product that [`Kept`] has room for.
const KEPT_MAX: usize = 11;
/// Bits of a kept value that are its tag; those above are its attribute's of [`Catalog::owner_bits`].
const TAG_BITS: u32 = 27;
const _: () = assert!(super::TAGS_MAX < 1 << TAG_BITS, "every tag has room, and no value is u32::MAX");

/// Products that are best fetched at once, see [`Catalog::fetch`].
pub const FETCHED: usize = 64;

/// What facets count of a product, in one line of a processor's cache: results are many, and memory is what they wait for.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[repr(align(64))]
pub struct Kept {
    /// Its brand and values of attributes, each with which attribute it is of; [`u32::MAX`] where there are no more. By attribute,
    /// so that a processor foresees which are wanted.
    values: [u32; KEPT_MAX],
    /// As in its row.
    pub category: CategoryNo,
    /// As in its row.
    pub group: GroupNo,
    /// As in its row.
    pub octave: f32,
    /// The attributes that have more values, which [`Catalog::tags`] has: a bit each, shared by every 32nd.
    more: u32,
    /// Mean rating in tenths, and 1; 0 where it is not rated.
    rating: u8,
}

impl Kept {
    /// Of a row that nothing is known of.
    pub(super) fn of(group: GroupNo) -> Self {
        Self { group, ..Self::default() }
    }

    /// Mean rating in tenths, where it is rated.
    #[inline]
    pub fn rating_tenths(&self) -> Option<u8> {
        self.rating.checked_sub(1)
    }
}

impl Default for Kept {
    fn default() -> Self {
        let Row { category, group, octave, .. } = Row::default();
        Self { values: [u32::MAX; KEPT_MAX], category, group, octave, more: 0, rating: 0 }
    }
}

impl Catalog {
    /// Whether it may be shown at `now`, as its row says; looked up in bits, for many products at once.
    #[inline]
    pub fn is_available(&self, product: ProductNo, now: Millis) -> bool {
        let Some([offered, ending, _]) = self.offered.get(product.index() / 64) else { return false };
        let is_in = |bits: &u64| bits >> (product.index() % 64) & 1 == 1;
        if is_in(ending) {
            self.row(product).is_some_and(|row| row.is_available(now))
        } else {
            is_in(offered)
        }
    }

    /// Whether it shares its product with other rows, looked up in bits.
    #[inline]
    pub fn is_variant(&self, product: ProductNo) -> bool {
        let bits = self.offered.get(product.index() / 64);
        bits.is_some_and(|[.., variants]| variants >> (product.index() % 64) & 1 == 1)
    }

    /// What facets count of a product.
    #[inline]
    pub fn kept(&self, product: ProductNo) -> Option<&Kept> {
        self.kept.get(product.index())
    }

    /// Has what facets count of these products in the processor's cache for whoever reads it next. Nothing hangs on what is read here, so that
    /// all of it comes from memory side by side; read one after the other each would be waited for.
    #[inline]
    pub fn fetch(&self, products: impl Iterator<Item = ProductNo>) {
        let read = products.map(|product| self.kept(product).map_or(0, |kept| kept.more));
        std::hint::black_box(read.fold(0, |all, one| all ^ one));
    }

    /// The attributes of these numbers, for [`Catalog::each_value`].
    pub fn owner_bits(owners: impl Iterator<Item = u32>) -> u32 {
        owners.fold(0, |bits, owner| bits | 1 << (owner % 32))
    }

    /// Calls `look` with the product's brand and values of attributes, each once: of those that are `wanted` all of them, of others some.
    /// `kept` is what is kept of it.
    #[inline]
    pub fn each_value(&self, (product, kept): (ProductNo, &Kept), wanted: u32, mut look: impl FnMut(u32)) {
        if kept.more & wanted != 0 {
            let is_listed = |tag: &u32| {
                self.tag_owner(*tag).is_some_and(|owner| owner != u32::MAX && !self.own_tags.contains(&owner))
            };
            self.tags(product).iter().copied().filter(is_listed).for_each(look);
        } else {
            let held = kept.values.iter().take_while(|value| **value != u32::MAX);
            let of_wanted = held.filter(|value| wanted >> (**value >> TAG_BITS) & 1 == 1);
            of_wanted.for_each(|value| look(tag_of(*value)));
        }
    }

    /// Whether it has a brand or a value of an attribute.
    #[inline]
    pub fn has_value(&self, (product, kept): (ProductNo, &Kept), tag: u32) -> bool {
        // No branch hangs on what is compared, so that one product does not wait for another's memory.
        let is_kept = kept.values.iter().fold(false, |has, one| has | (tag_of(*one) == tag));
        is_kept | (kept.more != 0 && self.tags(product).binary_search(&tag).is_ok())
    }

    /// What facets count; its values MUST have their numbers.
    pub(super) fn kept_of(&self, content: &Content) -> Kept {
        let brand = (!content.brand.is_empty()).then_some(("brand", content.brand.as_str()));
        let listed = content
            .attributes
            .iter()
            .filter(|(name, _)| !is_own(name))
            .flat_map(|(name, values)| values.split(',').map(move |value| (name.as_str(), value)));
        let listed = brand.into_iter().chain(listed).filter(|(name, value)| is_tag(name, value));
        let mut values: Vec<u32> = listed.filter_map(|(name, value)| self.tag(name, value)).collect();
        values.sort_unstable();
        values.dedup();
        if values.len() > KEPT_MAX {
            values = self.single_first(values);
        }
        let over = values.split_off(values.len().min(KEPT_MAX));
        let more = Self::owner_bits(over.iter().filter_map(|tag| self.tag_owner(*tag)));
        let mut kept = Kept { more, ..Kept::default() };
        let packed = |tag: u32| (self.tag_owner(tag).unwrap_or_default() % 32) << TAG_BITS | tag;
        let mut values: Vec<u32> = values.into_iter().map(packed).collect();
        values.sort_unstable();
        kept.values.iter_mut().zip(values).for_each(|(slot, value)| *slot = value);
        kept.rating = content.rating.map_or(0, |(mean, _)| 1 + (mean.clamp(0.0, 5.0) * 10.0).round() as u8);
        kept
    }

    /// Values of attributes of many values, which few ask for, last.
    fn single_first(&self, values: Vec<u32>) -> Vec<u32> {
        let mut owned: Vec<(Option<u32>, u32)> =
            values.into_iter().map(|tag| (self.tag_owner(tag), tag)).collect();
        owned.sort_unstable();
        let of_owner =
            |own: &[(Option<u32>, u32)]| own.iter().map(|(_, tag)| (own.len(), *tag)).collect::<Vec<_>>();
        let mut counted: Vec<(usize, u32)> = owned.chunk_by(|a, b| a.0 == b.0).flat_map(of_owner).collect();
        counted.sort_unstable();
        counted.into_iter().map(|(_, tag)| tag).collect()
    }

    /// Brings what is kept of a row elsewhere in step with it.
    pub(super) fn follow(&mut self, product: ProductNo) {
        let (Some(row), Some(kept)) = (self.row(product).copied(), self.kept(product)) else { return };
        let own = (kept.category, kept.group, kept.octave.to_bits());
        if own != (row.category, row.group, row.octave.to_bits())
            && let Some(kept) = self.kept.get_mut(product.index())
        {
            (kept.category, kept.group, kept.octave) = (row.category, row.group, row.octave);
        }
        let (word, bit) = (product.index() / 64, 1 << (product.index() % 64));
        let set = |bits: u64, is_in: bool| if is_in { bits | bit } else { bits & !bit };
        let Some([offered, ending, variants]) = self.offered.get(word).copied() else { return };
        let is_ending = row.offered && row.expires_s != u32::MAX;
        let now = [set(offered, row.offered), set(ending, is_ending), set(variants, !is_lone(row.group))];
        if now != [offered, ending, variants]
            && let Some(bits) = self.offered.get_mut(word)
        {
            *bits = now;
        }
    }
}

fn tag_of(value: u32) -> u32 {
    value & ((1 << TAG_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bespoke_domain::product::ProductPatch;

    #[test]
    fn what_is_wanted_is_there_whole_however_much_there_is() {
        let mut catalog = Catalog::default();
        let product = catalog.add("a".into());
        let fits: Vec<String> = (0..30).map(|no| format!("m{no}")).collect();
        let attributes =
            [("fits", fits.join(",")), ("color", "red,blue".to_owned()), ("size", "M".to_owned())];
        let attributes = attributes.map(|(name, values)| (name.to_owned(), values)).to_vec();
        let content =
            Content { title: "Lens".into(), brand: "Acme".into(), attributes, ..Content::default() };
        catalog.apply(product, &ProductPatch { content: Some(Box::new(content)), ..ProductPatch::default() });
        let kept = *catalog.kept(product).expect("kept");
        let of = |name: &str, wanted: u32| {
            let owner = catalog.tag(name, "").expect(name);
            let mut count = 0;
            catalog.each_value((product, &kept), wanted, |tag| {
                count += usize::from(catalog.tag_owner(tag) == Some(owner));
            });
            count
        };
        let bit = |name: &str| Catalog::owner_bits(catalog.tag(name, "").into_iter());
        for (name, count) in [("fits", 30), ("color", 2), ("size", 1), ("brand", 1)] {
            assert_eq!((of(name, bit(name)), of(name, u32::MAX)), (count, count), "{name}");
        }
        for value in &fits {
            let tag = catalog.tag("fits", value).expect("a tag");
            assert!(catalog.has_value((product, &kept), tag), "{value}");
        }
    }
}
