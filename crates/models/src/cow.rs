//! A column in copy-on-write chunks. Cloning it costs one reference count a chunk, so that a published snapshot and the
//! one writer share everything the writer has not touched since. It never holds a gap: rows are dense numbers.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A growable column of `T`, cut into chunks of `N` rows that are shared until written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CowVec<T, const N: usize> {
    chunks: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T, const N: usize> Default for CowVec<T, N> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<T: Clone, const N: usize> CowVec<T, N> {
    /// Rows held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The row, if there is one.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        self.chunks.get(index / N)?.get(index % N)
    }

    /// The rows of a chunk; none where there are none.
    #[inline]
    pub fn chunk(&self, no: usize) -> &[T] {
        self.chunks.get(no).map_or(&[], |chunk| chunk)
    }

    /// The row to write; copies its chunk first when a snapshot still holds it.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        Arc::make_mut(self.chunks.get_mut(index / N)?).get_mut(index % N)
    }

    /// Appends a row.
    pub fn push(&mut self, value: T) {
        if self.len.is_multiple_of(N) {
            self.chunks.push(Arc::new(Vec::new()));
        }
        if let Some(last) = self.chunks.last_mut() {
            Arc::make_mut(last).push(value);
        }
        self.len += 1;
    }

    /// Appends copies of `value` until there are at least `len` rows.
    pub fn grow_to(&mut self, len: usize, value: &T) {
        while self.len < len {
            self.push(value.clone());
        }
    }

    /// Rows that may differ from those of `before`, which this column grew from: those whose chunks are not shared.
    pub fn changed_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = usize> + 'a {
        let is_shared = |(no, chunk): &(usize, &Arc<Vec<T>>)| {
            before.chunks.get(*no).is_some_and(|held| Arc::ptr_eq(held, chunk))
        };
        let changed = self.chunks.iter().enumerate().filter(move |one| !is_shared(one));
        changed.flat_map(|(no, chunk)| no * N..no * N + chunk.len())
    }

    /// All rows in order, a chunk at a time: for loops over many at once.
    pub fn chunks(&self) -> impl Iterator<Item = &[T]> {
        self.chunks.iter().map(|chunk| chunk.as_slice())
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_keeps_what_the_writer_changes_later() {
        let mut column: CowVec<u32, 4> = CowVec::default();
        column.grow_to(10, &0);
        let frozen = column.clone();
        *column.get_mut(9).expect("row 9") = 7;
        column.push(8);
        assert_eq!((frozen.get(9), frozen.get(10), frozen.len()), (Some(&0), None, 10));
        assert_eq!((column.get(9), column.get(10), column.len()), (Some(&7), Some(&8), 11));
        assert!(Arc::ptr_eq(&frozen.chunks[0], &column.chunks[0]), "untouched chunks stay shared");
        assert!(!Arc::ptr_eq(&frozen.chunks[2], &column.chunks[2]));
        assert_eq!(column.changed_since(&frozen).collect::<Vec<_>>(), [8, 9, 10]);
    }
}
