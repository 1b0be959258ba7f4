//! Whose turn it is to write. SQLite lets whoever asks first write and the others sleep and try again; here an append
//! waits for one sealing step at most, and sealing waits for every append that is there.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Shared by the writer and the sealer of one data directory.
#[derive(Default)]
pub(super) struct Turn {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_taken: bool,
    appends_waiting: u32,
}

/// The right to write, until it is dropped.
pub(super) struct Taken<'a>(&'a Turn);

impl Turn {
    /// Waits for whoever writes now.
    pub(super) fn for_append(&self) -> Taken<'_> {
        let mut state = self.state();
        state.appends_waiting += 1;
        let mut state = self.wait(state, |state| state.is_taken);
        state.appends_waiting -= 1;
        state.is_taken = true;
        Taken(self)
    }

    /// Waits for whoever writes now and for every append that waits.
    pub(super) fn for_sealing(&self) -> Taken<'_> {
        let state = self.state();
        let mut state = self.wait(state, |state| state.is_taken || state.appends_waiting > 0);
        state.is_taken = true;
        Taken(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, busy: fn(&State) -> bool) -> MutexGuard<'a, State> {
        self.changed.wait_while(state, |state| busy(state)).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.state().is_taken = false;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    #[test]
    fn an_append_that_waits_goes_before_sealing_that_waited_longer() {
        let turn = Arc::new(Turn::default());
        let (order, heard) = channel();
        let first = turn.for_sealing();
        let sealing = std::thread::spawn({
            let (turn, order) = (turn.clone(), order.clone());
            move || {
                let _taken = turn.for_sealing();
                order.send("sealing").unwrap();
            }
        });
        let append = std::thread::spawn({
            let turn = turn.clone();
            move || {
                let _taken = turn.for_append();
                order.send("append").unwrap();
            }
        });
        while turn.state().appends_waiting == 0 {
            std::thread::yield_now();
        }
        drop(first);
        assert_eq!([heard.recv().unwrap(), heard.recv().unwrap()], ["append", "sealing"]);
        append.join().unwrap();
        sealing.join().unwrap();
    }
}
