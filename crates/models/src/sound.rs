//! Whether what was read belongs together: an artifact may come from anywhere, and whoever made it could have given it the
//! right checksum too. A model that is not sound is refused, so that serving cannot index out of bounds or panic.

use crate::nearest::Vectors;

/// Whether these are `count` vectors of `width` finite numbers; what is kept beside them is never read but made of them.
pub(crate) fn vectors(vectors: &Vectors, width: usize, count: usize) -> bool {
    let rows = vectors.rows();
    width.checked_mul(count) == Some(rows.len())
        && vectors.count() == count
        && rows.iter().all(|value| value.is_finite())
}
