//! `bespoke demo`: a shop with its history, made anew at each start, served with its pages.

use super::super::{Around, Learning, bind, listen, report, say};
use anyhow::Context as _;
use bespoke::boot::Shop;
use bespoke::demo::storefront::About;
use bespoke::http::App;
use bespoke::identities::identity_key;
use bespoke::limits::Limits;
use bespoke::{clock, demo, import, keys, placements};
use bespoke_domain::entry::IdentityKind;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// The shops that there are.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// A year of a British giftware shop's orders.
    Giftware,
    /// A shop that does not exist, with every kind of event.
    Simulated,
}

/// Customers of the giftware shop with many orders in the data.
const FREQUENT: [&str; 5] = ["12748", "14911", "17841", "13089", "15311"];

/// Makes the shop and serves it.
pub fn run(which: Which, data: &Path, address: SocketAddr) -> anyhow::Result<()> {
    let started = Instant::now();
    let socket = bind(address)?;
    let address = socket.local_addr()?;
    empty(data)?;
    let shop = Shop::open(data)?;
    let mut about = match which {
        Which::Giftware => giftware(&shop)?,
        Which::Simulated => simulated(&shop)?,
    };
    let known =
        |id: &String| shop.identities.get(identity_key(&shop.secret, IdentityKind::User, id)).is_some();
    about.customers.retain(known);
    let secret = keys::ensure(&shop).map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
    let (publishable, secret) = secret.context("a new shop has no keys yet")?;
    about.publishable_key.clone_from(&publishable);
    about.url_flag = url_flag(address);
    say(&format!("Ready after {:.1} s.\n", started.elapsed().as_secs_f64()));
    show(&shop, which, address, (&publishable, &secret))?;
    listen(
        shop,
        socket,
        Around {
            file: None,
            learning: Some(Learning::AT_ONCE),
            limits: Limits::default(),
            storefront: Some(about),
            embedder: None,
            secret: None,
        },
    )
}

/// Empties a directory that an earlier demo made; refuses any other.
fn empty(data: &Path) -> anyhow::Result<()> {
    let marker = data.join("this-is-a-demo");
    if data.exists() && !marker.exists() && std::fs::read_dir(data)?.next().is_some() {
        anyhow::bail!(
            "{} is not empty and was not made by the demo; name another with --data",
            data.display()
        );
    }
    let lock = std::fs::File::open(data.join("lock"));
    if lock.is_ok_and(|lock| lock.try_lock().is_err()) {
        anyhow::bail!("{} is in use by another demo; name another with --data", data.display());
    }
    if data.exists() {
        std::fs::remove_dir_all(data)?;
    }
    std::fs::create_dir_all(data)?;
    std::fs::write(marker, "bespoke demo empties this directory at every start\n")?;
    Ok(())
}

fn giftware(shop: &Shop) -> anyhow::Result<About> {
    let settings = format!("{}{}", demo::PLACEMENTS, demo::COMPARE);
    placements::apply(shop, &settings, "demo/placements.toml and demo/compare.toml")?;
    say("UCI Online Retail: a year of orders of a British giftware shop (CC BY 4.0, Daqing Chen)");
    let reading = bar(1, "reading order lines");
    let converted = demo::convert(demo::ONLINE_RETAIL, clock::now(), &mut |done, total| {
        reading.set_length(total);
        reading.set_position(done);
    })?;
    reading.finish();
    take_in(shop, &converted.catalog_jsonl, &converted.events_jsonl, Some(&converted.report.to_string()))?;
    Ok(About {
        name: "Giftware",
        tagline: "Real orders of a British giftware shop, 2010–2011 (UCI Online Retail, CC BY 4.0, Daqing Chen), dates moved to end today. Pictures are drawn from titles.",
        category_note: "The data has no categories: these are derived from the words of the titles.",
        stock_note: "(derived: the data has no stock; what sold in its last 90 days counts as in stock)",
        customers: FREQUENT.map(str::to_owned).to_vec(),
        ..About::default()
    })
}

fn simulated(shop: &Shop) -> anyhow::Result<About> {
    let settings = format!("{}{}{}", placements::DEFAULT, demo::COMPARE, demo::EXPERIMENT);
    placements::apply(shop, &settings, "default placements, demo/compare.toml and demo/experiment.toml")?;
    say("A simulated shop: seeded products, shoppers and events; nothing in it is real");
    let made = demo::simulate(clock::now());
    take_in(shop, &made.catalog_jsonl, &made.events_jsonl, None)?;
    Ok(About {
        name: "Simulated shop",
        tagline: "A simulation: its products, brands, shoppers and events are made up from a seed. Pictures are drawn from titles.",
        customers: made.customers,
        has_crowd: true,
        ..About::default()
    })
}

fn take_in(shop: &Shop, catalog: &[u8], events: &[u8], told: Option<&str>) -> anyhow::Result<()> {
    let products = bar(count_lines(catalog), "importing products");
    let imported = import::catalog_from(shop, catalog, &mut |line| products.set_position(line))?;
    products.finish();
    let happened = bar(count_lines(events), "importing events");
    let more = import::events_from(shop, events, &mut |line| happened.set_position(line))?;
    happened.finish();
    if let Some(told) = told {
        say(told);
    }
    report(&imported, Path::new("catalogue"));
    report(&more, Path::new("events"));
    Ok(())
}

fn bar(length: u64, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:<22} {wide_bar} {percent:>3} %  {elapsed}");
    ProgressBar::new(length)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(what.to_owned())
}

fn count_lines(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// What commands need that are to ask this server and no other.
fn url_flag(address: SocketAddr) -> String {
    let url = format!("http://{address}");
    if url == crate::URL { String::new() } else { format!(" --url {url}") }
}

/// The way to the pages; of the giftware shop, one decision with its reasons and what to try.
fn show(shop: &Arc<Shop>, which: Which, address: SocketAddr, keys: (&str, &str)) -> anyhow::Result<()> {
    let (publishable, secret) = keys;
    let program = std::env::args().next().unwrap_or_else(|| "bespoke".to_owned());
    if which == Which::Simulated {
        say(&format!("The shop's pages: http://{address}\nKeys: {publishable}\n      {secret}\n"));
        return Ok(());
    }
    let app = App::new(shop.clone());
    let ask = json!({"placement": "product_related", "context": {"page_type": "product", "item_ids": ["22423"]}, "n": 5});
    let body = bespoke::recommend::recommend(
        &app,
        bespoke::intake::Caller::SERVER,
        bespoke::pace::TIMEOUT,
        ask.to_string().as_bytes(),
    );
    let body = serde_json::to_value(body.map_err(|error| anyhow::anyhow!("{error:?}"))?)?;
    let headline = body["headline"].as_str().unwrap_or_default();
    say(&format!("A decision for the page of product 22423 – {headline}:"));
    for item in body["items"].as_array().into_iter().flatten() {
        let (title, price) = (item["item"]["title"].as_str(), item["item"]["price"]["amount"].as_str());
        let reason = item["reason"]["text"].as_str().unwrap_or_default();
        let (title, price) = (title.unwrap_or_default(), price.unwrap_or_default());
        let position = item["position"].as_u64().unwrap_or_default() + 1;
        say(&format!("  {position}. {title:<36} £{price:<7} {reason}"));
    }
    let id = body["request_id"].as_str().unwrap_or_default();
    say(&format!(
        "\nThe shop's pages:\n  http://{address}\n\nTry it:\n  curl -s http://{address}/v1/recommend -H 'Authorization: Bearer {publishable}' \\\n    -d '{ask}'\n\nWhy these?\n  {program} why {id} --key {secret}{}\n",
        url_flag(address)
    ));
    Ok(())
}
