//! Measures how many small events a second the log takes in durably, how fast they are read back, and what sealing a
//! segment costs: 2 M `view_item` events of 200,000 shoppers, 1,600 per synced commit, on the disk of the directory given.
//!
//!     cargo run --release -p bespoke-store --example append_speed -- DIRECTORY
//!
//! The directory must be empty or new; it stays for looking at.

use bespoke_domain::event::{EventItem, EventKind};
use bespoke_domain::{Body, Entry, Event, Millis, Offset, ShopperNo};
use bespoke_store::{Error, Reader, Sealing, Sqlite, Store};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

const EVENTS: u32 = 2_000_000;
const BATCH: u32 = 1_600;
const SHOPPERS: u32 = 200_000;

fn main() -> Result<(), Error> {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "append-speed".to_owned());
    let mut store = Sqlite::open(Path::new(&directory))?;
    append(&mut store)?;
    let reader = store.reader()?;
    read(reader.as_ref())?;
    one_shopper(reader.as_ref(), "unsealed")?;
    seal(&mut store)?;
    one_shopper(reader.as_ref(), "sealed")
}

/// An event as a tracker sends it: one product, a session, no details.
fn entry(no: u32) -> Entry {
    let mut event = Event::new(EventKind::ViewItem, Millis(1_780_000_000_000 + i64::from(no)));
    event.key = u64::from(no).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    event.session = event.key.rotate_left(17);
    event.items.push(EventItem {
        item_id: format!("SKU-{:06}", no % 50_000),
        quantity: 1,
        ..EventItem::default()
    });
    let shopper = Some(ShopperNo(no.wrapping_mul(2_654_435_761) % SHOPPERS));
    Entry { received: Millis(event.time.0 + 40), shopper, body: Body::Event(Box::new(event)) }
}

fn append(store: &mut Sqlite) -> Result<(), Error> {
    let (mut took, mut longest) = (Duration::ZERO, Duration::ZERO);
    for first in (0..EVENTS).step_by(BATCH as usize) {
        let batch: Vec<Entry> = (first..EVENTS.min(first + BATCH)).map(entry).collect();
        let start = Instant::now();
        store.append(&batch, &[])?;
        took += start.elapsed();
        longest = longest.max(start.elapsed());
    }
    say("append", EVENTS, took);
    eprintln!("  longest commit {:.1} ms", longest.as_secs_f64() * 1e3);
    Ok(())
}

fn read(reader: &dyn Reader) -> Result<(), Error> {
    let start = Instant::now();
    let mut count = 0;
    reader.read(Offset(0), Offset(u64::MAX), &mut |_, _| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    say("read", count, start.elapsed());
    Ok(())
}

fn one_shopper(reader: &dyn Reader, state: &str) -> Result<(), Error> {
    let start = Instant::now();
    let mut count = 0;
    reader.read_shopper(
        entry(1).shopper.unwrap_or_default(),
        Offset(0),
        Offset(u64::from(EVENTS)),
        &mut |_, _| {
            count += 1;
            ControlFlow::Continue(())
        },
    )?;
    eprintln!("one shopper's {count} entries, {state}: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

/// Seals beside a writer that goes on committing, as the server does.
fn seal(store: &mut Sqlite) -> Result<(), Error> {
    let mut sealer = store.sealer()?;
    let last = store.last_received().0;
    std::thread::scope(|scope| {
        let sealing = scope.spawn(move || {
            let (start, mut longest) = (Instant::now(), Duration::ZERO);
            loop {
                let step = Instant::now();
                if sealer.step()? == Sealing::Done {
                    return Ok::<_, Error>((start.elapsed(), longest));
                }
                longest = longest.max(step.elapsed());
            }
        });
        let mut commits = Vec::new();
        while !sealing.is_finished() {
            let batch: Vec<Entry> =
                (0..100).map(|no| Entry { received: Millis(last), ..entry(no) }).collect();
            let start = Instant::now();
            store.append(&batch, &[])?;
            commits.push(start.elapsed());
        }
        let Ok(sealed) = sealing.join() else { return Ok(()) };
        let (took, longest) = sealed?;
        say("seal", EVENTS, took);
        eprintln!("  longest step, waiting included, {:.1} ms", longest.as_secs_f64() * 1e3);
        commits.sort_unstable();
        let at = |share: f64| commits[(commits.len() as f64 * share) as usize].as_secs_f64() * 1e3;
        eprintln!(
            "  {} commits of 100 meanwhile: median {:.2} ms, p99 {:.2} ms",
            commits.len(),
            at(0.5),
            at(0.99)
        );
        Ok(())
    })
}

fn say(what: &str, count: u32, took: Duration) {
    let seconds = took.as_secs_f64();
    eprintln!("{what}: {count} entries in {seconds:.2} s, {:.0} k/s", f64::from(count) / seconds / 1e3);
}
