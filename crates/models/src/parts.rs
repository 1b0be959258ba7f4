//! Work shared among threads without changing its result: a list is cut into parts of a fixed length, and each thread takes
//! the next part when it is done with one. What a part becomes depends on the part alone.

use std::ops::Range;
use std::sync::Mutex;

/// Calls `work(index of the first, part)` for every part of `list`, on `threads` threads.
pub fn each_with<T: Send>(
    list: &mut [T],
    part_len: usize,
    threads: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let part_len = part_len.max(1);
    let left = Mutex::new(list.chunks_mut(part_len).enumerate());
    let run = || {
        loop {
            let next = left.lock().ok().and_then(|mut left| left.next());
            let Some((index, part)) = next else { break };
            work(index * part_len, part);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.max(1) {
            scope.spawn(run);
        }
        run();
    });
}

/// What `work` makes of `0..count`, in order.
pub fn map<T: Send>(count: usize, threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let mut made: Vec<Option<T>> = (0..count).map(|_| None).collect();
    each_with(&mut made, 1, threads, |index, part| part[0] = Some(work(index)));
    made.into_iter().flatten().collect()
}

/// Parts that are made before they are handed on.
const AT_ONCE: usize = 16;

/// Hands what `work` makes of each part of `0..count` to `take`, in order; few parts are there at a time.
pub fn in_order<T: Send>(
    count: usize,
    part_len: usize,
    threads: usize,
    work: impl Fn(Range<usize>) -> T + Sync,
    mut take: impl FnMut(T),
) {
    let part_count = count.div_ceil(part_len);
    for first in (0..part_count).step_by(AT_ONCE) {
        let made = map(AT_ONCE.min(part_count - first), threads, |at| {
            let from = (first + at) * part_len;
            work(from..count.min(from + part_len))
        });
        made.into_iter().for_each(&mut take);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_list_once_whatever_the_threads() {
        for threads in [0, 1, 3] {
            let mut list = vec![0; 10];
            each_with(&mut list, 3, threads, |from, part| {
                part.iter_mut().enumerate().for_each(|(at, value)| *value += from + at);
            });
            assert_eq!(list, (0..10).collect::<Vec<_>>());
            assert_eq!(map(4, threads, |index| index * index), [0, 1, 4, 9]);
            let mut taken = Vec::new();
            in_order(50, 3, threads, |part| part.collect::<Vec<_>>(), |part| taken.extend(part));
            assert_eq!(taken, (0..50).collect::<Vec<_>>());
        }
    }
}
