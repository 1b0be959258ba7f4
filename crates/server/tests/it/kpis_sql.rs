//! KPIs against SQL: the simulated shop's traffic, with all that goes wrong in real ones, is exported as Parquet, loaded into SQLite, counted there by
//! brute force (`kpis.sql`, written from docs/kpis.md), and held to the projection to the cent.

use bespoke::boot::{Shop, recover};
use bespoke::export::{TABLES, export};
use bespoke::{kpis_api, placements};
use bespoke_domain::consent::Statement;
use bespoke_domain::event::{DEVICES, Details};
use bespoke_domain::search::Search;
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{
    Body, Consent, Currency, DecisionId, Entry, Event, EventKind, Millis, Money, Offset, ProductPatch,
    Purpose, Request, ShopperNo,
};
use bespoke_engine::Engine;
use bespoke_engine::kpis::table::{KINDS, NAMES};
use bespoke_models::seeded::Seeded;
use bespoke_sim::{Fact, Params, Stream};
use bespoke_store::{Sqlite, Store};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use rusqlite::types::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

const SHOPPERS: u32 = 300;
/// The clock changes on the 29th.
const START: Millis = Millis(1_774_000_000_000);
const SETTINGS: &str = r#"
[shop]
currency = "EUR"
time_zone = "Europe/Berlin"
unknown_consent = "granted"

[holdout]
share = 30

[[placement]]
name = "home"
headline = "For you"
fallback_headline = "Popular"
slots = 6
sources = [{ source = "popular", weight = 1.0, limit = 60 }]

[[placement]]
name = "search"
headline = "Found"
fallback_headline = "Popular"
slots = 6
sources = [{ source = "popular", weight = 1.0, limit = 60 }]

[[placement]]
name = "banner"
headline = ""
shows = "content"
slots = 1

[[content]]
name = "summer"
placements = ["banner"]
title = "Summer"
markets = ["DE"]
"#;

/// A log in the making.
struct Play<'a> {
    shop: &'a bespoke_sim::Shop,
    engine: Engine,
    entries: Vec<Entry>,
    now: Millis,
    seeded: Seeded,
    /// What comes in later than it happened, by when it does.
    late: BTreeMap<(Millis, u64), (Option<ShopperNo>, Event)>,
    met: BTreeSet<ShopperNo>,
    refused: BTreeSet<u32>,
    /// The decision of each visit's last list.
    shown: HashMap<u64, DecisionId>,
    asked: u128,
}

impl Play<'_> {
    fn push(&mut self, shopper: Option<ShopperNo>, body: Body) {
        let entry = Entry { received: self.now, shopper, body };
        self.engine.apply(Offset(self.entries.len() as u64 + 1), &entry);
        self.entries.push(entry);
    }

    fn happens(&mut self, share: f64) -> bool {
        self.seeded.unit() < share
    }

    /// Sends an event, now or late; the numbers' keys with what is heard of them first.
    fn send(&mut self, shopper: Option<ShopperNo>, event: Event) {
        if self.happens(0.04) {
            let at = self.now.plus(1_000 * (60 + self.seeded.below(40 * 3_600) as i64));
            let turn = self.late.len() as u64 + 1_000 * self.entries.len() as u64;
            self.late.insert((at, turn), (shopper, event));
        } else {
            self.tell(shopper, event);
        }
    }

    fn tell(&mut self, shopper: Option<ShopperNo>, event: Event) {
        let mut key = |number: Option<ShopperNo>| {
            number.filter(|number| self.met.insert(*number)).map_or(0, |number| 77 + u64::from(number.0))
        };
        let buckets = (key(shopper), key(event.link));
        self.push(shopper, Body::Event(Box::new(Event { buckets, ..event })));
    }

    /// What is due by `time` comes in.
    fn catch_up(&mut self, time: Millis) {
        while let Some(((at, _), _)) = self.late.first_key_value()
            && *at <= time
        {
            let Some(((at, _), (shopper, event))) = self.late.pop_first() else { return };
            self.now = self.now.max(at);
            self.tell(shopper, event);
        }
        self.now = self.now.max(time);
    }

    fn fact(&mut self, fact: &Fact) {
        let mut event = fact.event.clone();
        self.catch_up(event.time);
        let (s, session) = (fact.shopper, event.session);
        let account = ShopperNo(if s.is_multiple_of(2) { s } else { 3 * SHOPPERS + s });
        let device = ShopperNo(SHOPPERS + 2 * s + u32::from(session.is_multiple_of(3)));
        let number = (s % 25 != 3).then_some(device);
        event.key = 0;
        event.device = DEVICES[session as usize % DEVICES.len()].0;
        event.link = number.and(fact.is_signed_in.then_some(account));
        event.bot = if s % 30 == 7 && session.is_multiple_of(2) { 100 } else { 0 };
        if !event.consent.allows(Purpose::Analytics) {
            if self.refused.insert(s) {
                let statement = Statement::default().with(Purpose::Analytics, false);
                let refusal = Event {
                    consent: Consent::DENIED,
                    statement,
                    ..Event::new(EventKind::ConsentUpdate, event.time)
                };
                self.tell(number, refusal);
            }
            return;
        }
        match event.kind {
            EventKind::ViewItemList => event.decision = self.ask(number, &event),
            EventKind::Search => event.decision = None,
            // Now and then by a token that nobody knows any more.
            EventKind::SelectItem if self.happens(0.02) => event.decision = Some(DecisionId(7)),
            EventKind::SelectItem => event.decision = self.shown.get(&session).copied(),
            EventKind::Purchase => return self.order(number, event),
            EventKind::Refund => self.refund(&mut event),
            _ => {}
        }
        self.send(number, event);
    }

    /// The list came from a decision, more often than not.
    fn ask(&mut self, shopper: Option<ShopperNo>, event: &Event) -> Option<DecisionId> {
        if self.happens(0.4) {
            return None;
        }
        self.engine.publish();
        self.asked += 1;
        let is_search = event.page == bespoke_domain::event::PageType::Search;
        let live = self.engine.live();
        let key = shopper
            .map_or(0, |one| Some(live.bucket(one)).filter(|key| *key != 0).unwrap_or(77 + u64::from(one.0)));
        let request = Request {
            id: DecisionId((self.now.0 as u128) << 80 | self.asked),
            now: self.now,
            placement: if is_search { "search" } else { "home" }.to_owned(),
            shopper,
            bucket: key,
            market: ["DE", "AT", ""][self.seeded.below(3)].to_owned(),
            search: is_search.then(|| Box::new(Search { text: "lamp".to_owned(), ..Search::default() })),
            ..Request::default()
        };
        let decision = live.decide(&request);
        self.push(shopper, Body::Decision(Box::new(decision)));
        self.shown.insert(event.session, request.id);
        Some(request.id)
    }

    /// Some are in dollars, some lines without a price, some told twice, some called off.
    fn order(&mut self, shopper: Option<ShopperNo>, mut event: Event) {
        if self.happens(0.08) {
            event.currency = Currency::parse("USD").ok();
        }
        if self.happens(0.2)
            && let Some(item) = event.items.first_mut()
        {
            item.price_minor = None;
        }
        if self.happens(0.3) {
            let hours = self.seeded.below(160) as i64;
            let mail = Event {
                consent: Consent::GRANTED,
                ..Event::new(EventKind::MessageClicked, event.time.plus(-hours * 3_600_000))
            };
            self.tell(shopper, mail);
        }
        self.send(shopper, event.clone());
        if self.happens(0.15) {
            let again = Event { link: None, ..event.clone() };
            let by = shopper.filter(|_| event.bot == 0 && event.time.0 % 2 == 0);
            self.tell(by, again);
        }
        if self.happens(0.1) {
            let details = event.details.as_deref().and_then(|details| details.transaction_id.clone());
            let off = Event {
                consent: Consent::GRANTED,
                details: Some(Box::new(Details { transaction_id: details, ..Details::default() })),
                ..Event::new(EventKind::Refund, event.time.plus(60_000))
            };
            self.send(None, off);
        }
    }

    /// What comes back is named in each of the ways there are.
    fn refund(&mut self, event: &mut Event) {
        let choice = self.seeded.below(7);
        let details = event.details.get_or_insert_with(Default::default);
        let half = Money { minor: 100 + self.seeded.below(4_000) as i64, currency: Currency::EUR };
        match choice {
            0 => event.items.iter_mut().for_each(|item| item.price_minor = None),
            1 => details.value = Some(half),
            2 => event.items.clear(),
            3 => (details.value, event.items) = (Some(Money { minor: 9_000_000, ..half }), Vec::new()),
            4 => details.transaction_id = Some("nobody's".into()),
            5 => event.currency = Currency::parse("USD").ok(),
            _ => {}
        }
        if choice == 1 {
            let again = event.clone();
            self.tell(None, again);
        }
    }

    /// Prices, sales, costs and categories change; what is older than what is known does not count.
    fn change(&mut self) {
        for _ in 0..25 {
            let no = self.seeded.below(self.shop.params.products as usize) as u32;
            let known = self.shop.patch(no);
            let money = |minor: usize| Money { minor: minor as i64 + 50, currency: Currency::EUR };
            let mut patch = ProductPatch { id: known.id.clone(), as_of: self.now, ..ProductPatch::default() };
            match self.seeded.below(5) {
                0 => patch.price = Some(money(self.seeded.below(9_000))),
                1 => patch.sale_price = Some(Some(money(self.seeded.below(3_000)))),
                2 => patch.sale_price = Some(None),
                3 => {
                    patch.content = known.content.map(|mut content| {
                        content.cost = Some(money(self.seeded.below(2_000))).filter(|cost| cost.minor > 300);
                        content.categories = vec![format!("Moved > {}", no % 3)];
                        content
                    });
                }
                _ => (patch.price, patch.as_of) = (Some(money(1)), Millis(START.0 - 5)),
            }
            self.push(None, Body::Catalog(Box::new(patch)));
        }
    }
}

/// Seventeen days of the simulated shop.
fn log() -> Vec<Entry> {
    let params = Params {
        seed: 8,
        products: 300,
        shoppers: SHOPPERS,
        events: 9_000,
        start: START,
        days: 14,
        ..Params::default()
    };
    let shop = bespoke_sim::Shop::new(params);
    let mut play = Play {
        shop: &shop,
        engine: Engine::default(),
        entries: Vec::new(),
        now: START,
        seeded: Seeded::new(11),
        late: BTreeMap::new(),
        met: BTreeSet::new(),
        refused: BTreeSet::new(),
        shown: HashMap::new(),
        asked: 0,
    };
    let settings = placements::parse(SETTINGS).expect("the settings are as they must be");
    play.push(None, Body::Settings(Box::new(settings)));
    shop.patches().for_each(|patch| play.push(None, Body::Catalog(Box::new(patch))));
    for (at, fact) in Stream::new(&shop).enumerate() {
        if at % 1_500 == 700 {
            play.change();
        }
        play.fact(&fact);
    }
    play.catch_up(START.plus(20 * DAY_MS));
    play.entries
}

/// Day, kind of part, part and count: the amount, money in cents.
type Counts = BTreeMap<(String, String, String, String), i64>;

/// What `kpis.csv` says.
fn told(shop: &Shop) -> Counts {
    let text = kpis_api::csv(shop, "").expect("every day");
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = rows.headers().expect("a heading").iter().map(str::to_owned).collect();
    let mut counts = Counts::new();
    for row in rows.records().map(|row| row.expect("a row")) {
        for (name, value) in names.iter().zip(row.iter()).skip(3) {
            let spec = NAMES.iter().find(|spec| spec.name == name).expect("a count");
            let kind = KINDS.iter().find(|(_, name)| *name == &row[1]).expect("a kind of part").0;
            assert_eq!(value.is_empty(), !spec.count.is_of(kind), "{name} of a {}", &row[1]);
            if value.is_empty() {
                continue;
            }
            let value: f64 = value.parse().expect("a number");
            let amount = (value * if spec.is_money { 100.0 } else { 1.0 }).round() as i64;
            let key = (row[0].to_owned(), row[1].to_owned(), row[2].to_owned(), name.clone());
            if amount != 0 {
                counts.insert(key, amount);
            }
        }
    }
    counts
}

/// The exported tables in a database.
fn load(folder: &Path) -> rusqlite::Connection {
    let base = rusqlite::Connection::open_in_memory().expect("a database");
    for table in &TABLES {
        let mut columns: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
        if columns.contains(&"time") {
            columns.push("time_s AS (time / 1000)");
        }
        let sql = format!("CREATE TABLE {} ({})", table.name, columns.join(", "));
        base.execute(&sql, []).expect("a table");
        let marks = vec!["?"; table.columns.len()].join(", ");
        let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
        let sql = format!("INSERT INTO {} ({}) VALUES ({marks})", table.name, names.join(", "));
        let mut insert = base.prepare(&sql).expect("an insert");
        let files = fs::read_dir(folder.join(table.name)).expect("a folder");
        for file in files.map(|file| file.expect("a file").path()) {
            let reader =
                SerializedFileReader::new(File::open(file).expect("it opens")).expect("it is Parquet");
            for row in reader.get_row_iter(None).expect("rows") {
                let row = row.expect("a row");
                let cells = row.get_column_iter().map(|(_, field)| cell(field));
                insert.execute(rusqlite::params_from_iter(cells)).expect("it goes in");
            }
        }
    }
    for index in [
        "events(offset)",
        "events(order_key)",
        "items(offset)",
        "catalog(item, offset)",
        "catalog(offset)",
        "arms(offset)",
        "decisions(shopper, offset)",
    ] {
        base.execute(&format!("CREATE INDEX \"by {index}\" ON {index}"), []).expect("an index");
    }
    base
}

fn cell(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => Value::Integer(i64::from(*value)),
        Field::Long(value) | Field::TimestampMillis(value) => Value::Integer(*value),
        Field::Date(value) => Value::Integer(i64::from(*value)),
        Field::Double(value) => Value::Real(*value),
        Field::Str(text) => Value::Text(text.clone()),
        other => panic!("no column holds {other:?}"),
    }
}

/// What SQL finds in the export.
fn by_sql(folder: &Path) -> Counts {
    let base = load(folder);
    base.execute_batch("CREATE TABLE setting AS SELECT 'EUR' AS currency, 7 AS click_days, 1 AS view_days")
        .expect("settings");
    base.execute_batch(include_str!("kpis.sql")).expect("it runs");
    let mut select = base.prepare("SELECT day, by, part, name, amount FROM result").expect("a result");
    let row = |row: &rusqlite::Row<'_>| {
        let day = kpis_api::date(row.get(0)?).to_string();
        Ok(((day, row.get(1)?, row.get(2)?, row.get(3)?), row.get(4)?))
    };
    select.query_map([], row).expect("rows").map(|row| row.expect("a row")).collect()
}

#[test]
fn every_count_is_what_sql_finds_in_the_exported_log() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (data, folder) = (directory.path().join("shop"), directory.path().join("export"));
    let mut store = Sqlite::open(&data).expect("an empty directory opens");
    for part in log().chunks(1_000) {
        store.append(part, &[]).expect("it goes in");
    }
    drop(store);
    let reader = bespoke_store::read_only(&data).expect("it opens");
    let engine =
        recover(reader.as_ref(), reader.last_offset().expect("it has an end")).expect("it is folded");
    let mut open = |path: &str| -> anyhow::Result<Box<dyn Write + Send>> {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder"))?;
        Ok(Box::new(File::create(path)?))
    };
    let written = export((reader.as_ref(), &engine), 0..=u16::MAX, &mut open).expect("it is written");
    assert!(written.days > 14 && written.rows.iter().all(|rows| *rows > 0), "{written:?}");
    assert!(written.withheld > 0, "who refuses is in it: {written:?}");
    let shop = Shop::open(&data).expect("it opens");
    let (told, found) = (told(&shop), by_sql(&folder));
    shop.close();
    for spec in &NAMES {
        assert!(found.keys().any(|(.., name)| name == spec.name), "nothing counts for {}", spec.name);
    }
    let keys: BTreeSet<_> = told.keys().chain(found.keys()).collect();
    let differs = |key: &&&(String, String, String, String)| told.get(**key) != found.get(**key);
    let wrong: Vec<String> = keys
        .iter()
        .filter(differs)
        .map(|key| format!("{key:?}: {:?}, by SQL {:?}", told.get(*key), found.get(*key)))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ\n{}",
        wrong.len(),
        keys.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
}
