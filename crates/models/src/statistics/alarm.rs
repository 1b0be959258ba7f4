//! An alarm that does not flutter: it is raised after so many bad looks in a row and cleared after so many good ones.

use serde::{Deserialize, Serialize};

/// How many looks it takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hysteresis {
    /// Bad looks in a row that raise it, at least 1.
    pub raise_after: u32,
    /// Good looks in a row that clear it, at least 1.
    pub clear_after: u32,
}

/// The state of one alarm.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Alarm {
    is_raised: bool,
    /// Looks in a row that speak against the state.
    streak: u32,
}

/// What a look did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "as they say")]
pub enum Change {
    Raised,
    Cleared,
}

impl Alarm {
    /// Whether it is raised.
    pub fn is_raised(&self) -> bool {
        self.is_raised
    }

    /// Takes a look into account and says whether it changed anything.
    pub fn look(&mut self, is_bad: bool, hysteresis: &Hysteresis) -> Option<Change> {
        if is_bad == self.is_raised {
            self.streak = 0;
            return None;
        }
        self.streak += 1;
        let (needed, change) = match self.is_raised {
            false => (hysteresis.raise_after, Change::Raised),
            true => (hysteresis.clear_after, Change::Cleared),
        };
        if self.streak < needed {
            return None;
        }
        *self = Self { is_raised: is_bad, streak: 0 };
        Some(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_some_in_a_row() {
        let hysteresis = Hysteresis { raise_after: 2, clear_after: 3 };
        let mut alarm = Alarm::default();
        let looks = [true, false, true, true, true, false, false, true, false, false, false, false];
        let changes: Vec<_> = looks.map(|bad| alarm.look(bad, &hysteresis)).to_vec();
        let changed: Vec<_> = (0..12).filter(|at| changes[*at].is_some()).collect();
        assert_eq!(changed, [3, 10]);
        assert_eq!((changes[3], changes[10]), (Some(Change::Raised), Some(Change::Cleared)));
        assert!(!alarm.is_raised());
    }
}
