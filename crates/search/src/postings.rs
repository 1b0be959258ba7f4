//! Where a term stands: for each product in which fields, how often, and how early in the title. Lists are cut at every
//! 65,536 products into blocks that snapshots share until written; a term of few products is one small list.

use bespoke_domain::ProductNo;
use std::sync::Arc;

/// Products of one block.
pub const BLOCK: u32 = 1 << 16;
/// Most products of a term that is kept as one small list.
const FEW_MAX: usize = 16;
/// Title places that are told apart; the last one means there or later.
pub const PLACES: u32 = 31;

/// Where a term stands in a product, packed into 20 bits: how often in the title (to 7), brand (1), categories (3), attributes
/// (7), description (15), codes (1), whether it is the title's head word, and its first place in the title.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Occurrence(pub u32);

impl Occurrence {
    /// How often in the title.
    #[inline]
    pub fn title(self) -> usize {
        (self.0 & 7) as usize
    }

    /// Whether in the brand.
    #[inline]
    pub fn brand(self) -> usize {
        (self.0 >> 3 & 1) as usize
    }

    /// How often in categories.
    #[inline]
    pub fn category(self) -> usize {
        (self.0 >> 4 & 3) as usize
    }

    /// How often in attributes.
    #[inline]
    pub fn attributes(self) -> usize {
        (self.0 >> 6 & 7) as usize
    }

    /// How often in the description.
    #[inline]
    pub fn description(self) -> usize {
        (self.0 >> 9 & 15) as usize
    }

    /// Whether among the codes.
    #[inline]
    pub fn codes(self) -> usize {
        (self.0 >> 13 & 1) as usize
    }

    /// Whether it is the word that says what the product is.
    #[inline]
    pub fn is_head(self) -> bool {
        self.0 >> 14 & 1 == 1
    }

    /// Its first place in the title, from 0, at most [`PLACES`] – 1; `None` where it is not there or further back.
    #[inline]
    pub fn place(self) -> Option<u32> {
        let place = self.0 >> 15 & 31;
        (self.title() > 0 && place < PLACES).then_some(place)
    }
}

/// A product with where the term stands in it.
pub type Posting = (ProductNo, Occurrence);

/// The products of one block.
#[derive(Clone, Debug, Default)]
struct Block {
    /// Numbers within the block, rising.
    rows: Vec<u16>,
    occurrences: Vec<Occurrence>,
}

impl Block {
    fn put(&mut self, row: u16, occurrence: Option<Occurrence>) -> i32 {
        // Products mostly come in the order of their numbers.
        let at = match self.rows.last() {
            Some(last) if *last < row => Err(self.rows.len()),
            _ => self.rows.binary_search(&row),
        };
        match (at, occurrence) {
            (Ok(at), Some(occurrence)) => {
                self.occurrences[at] = occurrence;
                0
            }
            (Ok(at), None) => {
                self.rows.remove(at);
                self.occurrences.remove(at);
                -1
            }
            (Err(at), Some(occurrence)) => {
                self.rows.insert(at, row);
                self.occurrences.insert(at, occurrence);
                1
            }
            (Err(_), None) => 0,
        }
    }
}

/// A long list.
#[derive(Clone, Debug, Default)]
struct Many {
    count: u32,
    /// Blocks by number, rising, none of them empty.
    blocks: Vec<(u16, Arc<Block>)>,
}

/// The products of one term: 16 bytes, and 8 a product where they are few, 6 where they are many.
#[derive(Clone, Debug, Default)]
pub struct Postings(Kept);

#[derive(Clone, Debug)]
enum Kept {
    Few(Arc<[Posting]>),
    Many(Arc<Many>),
}

impl Default for Kept {
    fn default() -> Self {
        Self::Few(Arc::default())
    }
}

impl Postings {
    /// Number of products.
    #[inline]
    pub fn count(&self) -> u32 {
        match &self.0 {
            Kept::Few(few) => few.len() as u32,
            Kept::Many(many) => many.count,
        }
    }

    /// Notes where the term stands in a product; `None` = nowhere.
    pub fn put(&mut self, product: ProductNo, occurrence: Option<Occurrence>) {
        if let Kept::Few(few) = &self.0 {
            let at = few.binary_search_by_key(&product, |(held, _)| *held);
            if at.is_ok() || few.len() < FEW_MAX {
                self.0 = Kept::Few(changed(few, at, product, occurrence));
                return;
            }
            let mut many = Many::default();
            few.iter().for_each(|(held, occurrence)| many.put(*held, Some(*occurrence)));
            self.0 = Kept::Many(Arc::new(many));
        }
        if let Kept::Many(many) = &mut self.0 {
            Arc::make_mut(many).put(product, occurrence);
        }
    }

    /// Shows every product of a block, rising, by its number within the block.
    #[inline]
    pub fn each_in(&self, block: u16, mut look: impl FnMut(u16, Occurrence)) {
        match &self.0 {
            Kept::Few(few) => {
                for (product, occurrence) in few.iter() {
                    if (product.0 / BLOCK) as u16 == block {
                        look((product.0 % BLOCK) as u16, *occurrence);
                    }
                }
            }
            Kept::Many(many) => {
                if let Some(block) = many.block(block) {
                    for (row, occurrence) in block.rows.iter().zip(&block.occurrences) {
                        look(*row, *occurrence);
                    }
                }
            }
        }
    }

    /// Where the term stands in a product.
    pub fn get(&self, product: ProductNo) -> Option<Occurrence> {
        match &self.0 {
            Kept::Few(few) => {
                few.iter().find(|(held, _)| *held == product).map(|(_, occurrence)| *occurrence)
            }
            Kept::Many(many) => {
                let block = many.block((product.0 / BLOCK) as u16)?;
                let at = block.rows.binary_search(&((product.0 % BLOCK) as u16)).ok()?;
                block.occurrences.get(at).copied()
            }
        }
    }
}

impl Many {
    fn put(&mut self, product: ProductNo, occurrence: Option<Occurrence>) {
        let (no, row) = ((product.0 / BLOCK) as u16, (product.0 % BLOCK) as u16);
        let at = match self.blocks.binary_search_by_key(&no, |(held, _)| *held) {
            Ok(at) => at,
            Err(_) if occurrence.is_none() => return,
            Err(at) => {
                self.blocks.insert(at, (no, Arc::default()));
                at
            }
        };
        let block = Arc::make_mut(&mut self.blocks[at].1);
        self.count = self.count.saturating_add_signed(block.put(row, occurrence));
        if block.rows.is_empty() {
            self.blocks.remove(at);
        }
    }

    fn block(&self, no: u16) -> Option<&Block> {
        let at = self.blocks.binary_search_by_key(&no, |(held, _)| *held).ok()?;
        self.blocks.get(at).map(|(_, block)| block.as_ref())
    }
}

fn changed(
    few: &[Posting],
    at: Result<usize, usize>,
    product: ProductNo,
    occurrence: Option<Occurrence>,
) -> Arc<[Posting]> {
    let mut list = few.to_vec();
    match (at, occurrence) {
        (Ok(at), Some(occurrence)) => list[at].1 = occurrence,
        (Ok(at), None) => _ = list.remove(at),
        (Err(at), Some(occurrence)) => list.insert(at, (product, occurrence)),
        (Err(_), None) => {}
    }
    list.into()
}
