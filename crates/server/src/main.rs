//! The command line of Bespoke: serve a shop, show the demo, import files, explain a decision.

mod commands;

use anyhow::Context as _;
use bespoke::boot::Shop;
use bespoke::connections::{self, Bounds, CONNECTIONS_MAX, HEAD_DEADLINE};
use bespoke::demo::crowd;
use bespoke::demo::storefront::{self, About};
use bespoke::embedding::{self, Embedding, Embeds};
use bespoke::http::{App, router};
use bespoke::import::Imported;
use bespoke::ladder::Ladder;
use bespoke::learn::Wanted;
use bespoke::limits::Limits;
use bespoke::trials::Asked;
use bespoke::{import, keys, placements, process, webhook};
use clap::{Parser, Subcommand, ValueEnum};
use indicatif::ProgressBar;
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bespoke: an open, self-hosted personalization engine for online shops.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a shop from a data directory.
    Serve {
        #[command(flatten)]
        place: Place,
        /// Placement file (TOML) to put into force at the start.
        #[arg(long)]
        placements: Option<PathBuf>,
        /// Hours between two runs of learning, the first a minute after the start; 0 = never.
        #[arg(long, default_value_t = 24)]
        train_every: u32,
        /// Minutes that a run of learning may take.
        #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1440))]
        train_minutes: u32,
        /// Memory that it may take.
        #[arg(long, default_value = "8GiB", value_parser = bespoke::limits::bytes)]
        train_memory: u64,
        /// Folder of a model of texts (sentence-transformers or Model2Vec), by which search compares products and queries.
        #[arg(long, value_name = "DIR")]
        embedder: Option<PathBuf>,
        /// File with the secret (`whsec_…`) that messages of the webhook in `[watch]` are signed with; else it is taken from
        /// BESPOKE_WEBHOOK_SECRET.
        #[arg(long, value_name = "FILE")]
        webhook_secret_file: Option<PathBuf>,
    },
    /// A shop with its history and its pages; everything in it is made anew at each start.
    Demo {
        /// Which shop.
        #[arg(long, value_enum, default_value = "giftware")]
        shop: commands::demo::Which,
        /// Directory for the demo's data; emptied at the start.
        #[arg(long, default_value = "data/demo")]
        data: PathBuf,
        /// Address to listen on.
        #[arg(long, default_value = "127.0.0.1:8321")]
        listen: SocketAddr,
    },
    /// Import a file (JSON lines, CSV, TSV or a feed in XML, packed or not) into a data directory that no server has open.
    Import {
        /// What the file holds.
        what: What,
        /// The file.
        file: PathBuf,
        /// The data directory.
        #[arg(long, default_value = "data/shop")]
        data: PathBuf,
        /// Placement file (TOML) to put into force first; it names the shop's currency.
        #[arg(long)]
        placements: Option<PathBuf>,
        /// The file is the whole catalogue: what it leaves out is no longer offered.
        #[arg(long)]
        full: bool,
        /// Do it even where it looks like a broken feed: many products gone, prices missing, another currency.
        #[arg(long, requires = "full")]
        confirm: bool,
    },
    /// Print the placement file that a new shop starts with, to be changed.
    Defaults,
    /// Say what is wrong with what the shop sends, and how to mend it.
    Doctor {
        #[command(flatten)]
        server: Server,
    },
    /// Roll a placement out to a share of shoppers; 0 switches it off.
    Rollout {
        /// The placement.
        placement: String,
        /// Per cent of shoppers who get it.
        #[arg(value_parser = clap::value_parser!(u8).range(0..=100))]
        percent: u8,
        #[command(flatten)]
        server: Server,
    },
    /// List the versions of the settings, or go back to one.
    Settings {
        /// The version to put into force again.
        #[arg(long)]
        rollback: Option<u64>,
        #[command(flatten)]
        server: Server,
    },
    /// Learn from the log of a server that runs, and put into force what beats popularity and is not worse than before.
    Train {
        #[command(flatten)]
        server: Server,
    },
    /// What models, or a whole placement, would have been worth: fitted on the past, asked what shoppers dealt with next.
    Backtest(commands::learn::Backtest),
    /// Search for better values of the parameters of learnt models: chosen by one part of the log, reported on a later one.
    Tune {
        /// Only this model; may be given more than once.
        #[arg(long = "model", value_name = "NAME")]
        models: Vec<String>,
        /// Minutes that the search may take.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1440))]
        minutes: u32,
        /// Put what is better beyond doubt into force, and learn with it.
        #[arg(long)]
        apply: bool,
        #[command(flatten)]
        server: Server,
    },
    /// List learnt models, or put another artifact of one into force.
    Models {
        /// The artifact to put into force.
        #[arg(long, value_name = "ARTIFACT")]
        rollback: Option<String>,
        /// The model that is in force no more.
        #[arg(long, value_name = "NAME", conflicts_with = "rollback")]
        withdraw: Option<String>,
        #[command(flatten)]
        server: Server,
    },
    /// List the catalogues before the last three imports, or go back to one.
    Catalog {
        /// The version to go back to.
        #[arg(long)]
        rollback: Option<u64>,
        #[command(flatten)]
        server: Server,
    },
    /// What searches teach: queries that find nothing or the wrong things, and words that may mean the same.
    Queries(commands::queries::Queries),
    /// What is compared and what it says so far; what a test would need; begin one or stop it.
    Experiments(commands::experiments::Experiments),
    /// Whether a placement is worth having: measure, plan and begin a test of it, look at it, end it.
    Pilot(commands::pilot::Pilot),
    /// What a placement's bandit has learnt of its content blocks.
    Bandit {
        /// The placement.
        placement: String,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// What wants to stand in for what: valued on the log, shadowed, shown to a few, tested, promoted; each step with its evidence.
    Challenge(commands::challenge::Challenge),
    /// What shoppers did, by day, segment, market, category, placement or arm.
    Kpis(commands::kpis::Kpis),
    /// Write the log as Parquet files, for SQL and notebooks.
    Export(commands::export::Export),
    /// What is looked at every day for changes that nobody asked for, and how it stands.
    Watch(commands::watch::Watch),
    /// Search the catalogue as a shopper would: results with reasons, facets, and how the words were taken.
    Search(commands::search::Search),
    /// Measure how relevant search is by a list of judged queries, over all of them and by segment.
    Judge(commands::judge::Judge),
    /// Explain a decision: where its candidates came from, what was removed, why each slot is there.
    Why {
        /// The decision's id, `dec_…`.
        decision: String,
        #[command(flatten)]
        server: Server,
    },
}

/// Where a server listens by default.
const URL: &str = "http://127.0.0.1:8321";

/// A server that runs.
#[derive(clap::Args)]
struct Server {
    /// A secret key of the shop.
    #[arg(long, env = "BESPOKE_KEY", hide_env_values = true)]
    key: String,
    /// The server.
    #[arg(long, default_value = URL)]
    url: String,
}

#[derive(clap::Args)]
struct Place {
    /// The data directory; made if it is not there.
    #[arg(long, default_value = "data/shop")]
    data: PathBuf,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8321")]
    listen: SocketAddr,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Catalog,
    Events,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::INFO).init();
    if let Err(error) = process::outlive_file_limits() {
        tracing::warn!(%error, "a file that may not grow (ulimit -f) will end the process");
    }
    let done = match Cli::parse().command {
        Command::Serve {
            place,
            placements,
            train_every,
            train_minutes,
            train_memory,
            embedder,
            webhook_secret_file,
        } => {
            let time = Duration::from_secs(60 * u64::from(train_minutes));
            let limits = Limits { time, bytes: train_memory };
            let secret = webhook_secret_file.as_deref();
            serve(&place, placements.as_deref(), (train_every, limits), embedder.as_deref(), secret)
        }
        Command::Demo { shop, data, listen } => commands::demo::run(shop, &data, listen),
        Command::Import { what, file, data, placements, full, confirm } => {
            let scope = match (full, confirm) {
                (false, _) => FileScope::Changes,
                (true, false) => FileScope::Whole,
                (true, true) => FileScope::WholeConfirmed,
            };
            run_import((what, scope), &file, &data, placements.as_deref())
        }
        Command::Defaults => {
            say(&format!("{}\n{}", placements::DEFAULT, placements::model_defaults().trim_end()));
            Ok(())
        }
        Command::Doctor { server } => commands::operate::doctor(&server.key, &server.url),
        Command::Rollout { placement, percent, server } => {
            commands::operate::roll_out(&placement, percent, &server.key, &server.url)
        }
        Command::Settings { rollback, server } => {
            commands::operate::settings(rollback, &server.key, &server.url)
        }
        Command::Train { server } => commands::learn::train(&server.key, &server.url),
        Command::Backtest(backtest) => commands::learn::backtest(&backtest),
        Command::Tune { models, minutes, apply, server } => {
            commands::tune::tune(&models, minutes, apply, (&server.key, &server.url))
        }
        Command::Models { rollback, withdraw, server } => {
            commands::learn::models(rollback.as_deref(), withdraw.as_deref(), &server.key, &server.url)
        }
        Command::Catalog { rollback, server } => {
            commands::operate::catalog(rollback, &server.key, &server.url)
        }
        Command::Queries(asked) => commands::queries::run(&asked),
        Command::Experiments(asked) => commands::experiments::run(&asked),
        Command::Pilot(asked) => commands::pilot::run(&asked),
        Command::Bandit { placement, json, server } => commands::bandit::run(&placement, json, &server),
        Command::Challenge(asked) => commands::challenge::run(&asked),
        Command::Kpis(asked) => commands::kpis::run(&asked),
        Command::Export(asked) => commands::export::run(&asked),
        Command::Watch(asked) => commands::watch::run(&asked),
        Command::Search(asked) => commands::search::run(&asked),
        Command::Judge(asked) => commands::judge::run(&asked),
        Command::Why { decision, server } => why(&decision, &server.key, &server.url),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("bespoke: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str) {
    anstream::println!("{text}");
}

fn serve(
    place: &Place,
    file: Option<&Path>,
    (train_every_h, limits): (u32, Limits),
    embedder: Option<&Path>,
    secret_file: Option<&Path>,
) -> anyhow::Result<()> {
    let own = secret_file
        .map(|file| std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display())));
    let secret = webhook::Secret::find(own.transpose()?)?;
    let socket = bind(place.listen)?;
    let embedder = embedder.map(embedding::load).transpose()?;
    let shop = Shop::open(&place.data)?;
    settle(&shop, file)?;
    if let Some((publishable, secret)) =
        keys::ensure(&shop).map_err(|failure| anyhow::anyhow!("{failure:?}"))?
    {
        say(&format!(
            "Keys of this shop, shown once:\n  publishable  {publishable}\n  secret       {secret}"
        ));
    }
    let learning = (train_every_h > 0)
        .then(|| Learning { first: FIRST_RUN, every: Duration::from_secs(3600 * u64::from(train_every_h)) });
    listen(shop, socket, Around { file, learning, limits, storefront: None, embedder, secret })
}

/// When a server learns.
struct Learning {
    first: Duration,
    every: Duration,
}

impl Learning {
    /// As soon as it serves, and then every day.
    const AT_ONCE: Self = Self { first: Duration::ZERO, every: Duration::from_secs(24 * 3600) };
}

/// From the start of a server to its first run of learning.
const FIRST_RUN: Duration = Duration::from_secs(60);

/// What a server does besides answering.
struct Around<'a> {
    /// Read again on SIGHUP.
    file: Option<&'a Path>,
    learning: Option<Learning>,
    limits: Limits,
    storefront: Option<About>,
    embedder: Option<Arc<dyn Embeds>>,
    /// Signs messages of the webhook.
    secret: Option<webhook::Secret>,
}

/// Learns now and again; then judges the placements that a storefront compares.
async fn learn_again(app: Arc<App>, learning: Learning, compared: &'static [&'static str]) {
    tokio::time::sleep(learning.first).await;
    let asked = compared.iter().map(|name| Asked { placement: (*name).to_owned(), page: None });
    let mut wanted = vec![Wanted { publish: true, ..Wanted::default() }];
    if !compared.is_empty() {
        wanted.push(Wanted { placements: asked.collect(), ..Wanted::default() });
    }
    loop {
        _ = app.learner.start(app.shop.clone(), wanted.clone());
        tokio::time::sleep(learning.every).await;
    }
}

/// Before anything else, so that a taken address costs no work and nobody's data.
fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let socket = TcpListener::bind(address);
    socket.with_context(|| format!("cannot listen on {address}; name another address with --listen"))
}

fn settle(shop: &Shop, file: Option<&Path>) -> anyhow::Result<()> {
    match file {
        Some(path) => placements::apply_file(shop, path),
        None => placements::ensure(shop),
    }
}

/// Serves until SIGINT or SIGTERM, then finishes what is queued. SIGHUP reads the placement file again.
fn listen(shop: Arc<Shop>, socket: TcpListener, around: Around<'_>) -> anyhow::Result<()> {
    let address = socket.local_addr()?;
    socket.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(socket)?;
        say(&format!("Serving on http://{address} until Ctrl-C."));
        let app = App::with_limits(shop.clone(), around.limits);
        let watched = app.clone();
        tokio::spawn(async move { watched.pace.watch().await });
        tokio::spawn(app.watchdog.clone().watch(shop.clone()));
        tokio::spawn(Ladder::watch(app.clone()));
        app.suggesting.watch(&shop);
        if let Some(secret) = around.secret {
            app.alarms.sign_with(secret);
        }
        app.alarms.watch(&shop);
        if let Some(model) = around.embedder {
            _ = app.embedding.set(Embedding::start(model, &shop)?);
        }
        if let Some(learning) = around.learning {
            let compared = around.storefront.as_ref().map_or(&[][..], |_| &storefront::JUDGED[..]);
            tokio::spawn(learn_again(app.clone(), learning, compared));
        }
        if let Some(about) = around.storefront.as_ref().filter(|about| about.has_crowd) {
            tokio::spawn(crowd::live(app.clone(), about.crowd.clone()));
        }
        if let Some(file) = around.file {
            tokio::spawn(reload_on_hangup(shop.clone(), file.to_owned()));
        }
        let mut routes = router(app.clone());
        if let Some(about) = around.storefront {
            routes = routes.merge(storefront::router(app, about));
        }
        let bounds = Bounds { connections: process::connections(CONNECTIONS_MAX), head: HEAD_DEADLINE };
        connections::serve(listener, routes, bounds, stop_signal()).await;
        Ok(())
    });
    shop.close();
    served
}

async fn reload_on_hangup(shop: Arc<Shop>, file: PathBuf) {
    let Ok(mut hangup) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) else {
        return;
    };
    while hangup.recv().await.is_some() {
        let (shop, file) = (shop.clone(), file.clone());
        let applied = tokio::task::spawn_blocking(move || placements::apply_file(&shop, &file)).await;
        match applied {
            Ok(Ok(())) => tracing::info!("the placement file is in force"),
            Ok(Err(error)) => tracing::error!("{error:#}"),
            Err(error) => tracing::error!(%error, "the placement file was not read"),
        }
    }
}

async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        _ = interrupt.await;
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}

/// Values without a meaning that an import names.
const UNMAPPED_SHOWN: usize = 10;

/// What a file leaves out.
#[derive(Clone, Copy, PartialEq)]
enum FileScope {
    /// Stays as it is.
    Changes,
    /// Is no longer offered.
    Whole,
    /// The same, however much it is.
    WholeConfirmed,
}

fn run_import(
    (what, scope): (What, FileScope),
    file: &Path,
    data: &Path,
    settings: Option<&Path>,
) -> anyhow::Result<()> {
    let shop = Shop::open(data)?;
    settle(&shop, settings)?;
    let progress = ProgressBar::new_spinner().with_message("lines read");
    let mut done = |line| progress.set_position(line);
    let imported = match (what, scope) {
        (What::Catalog, FileScope::Changes) => import::catalog(&shop, file, &mut done).map(|done| (done, 0)),
        (What::Catalog, _) => {
            import::whole_catalog(&shop, file, scope == FileScope::WholeConfirmed, &mut done)
        }
        (What::Events, FileScope::Changes) => import::events(&shop, file, &mut done).map(|done| (done, 0)),
        (What::Events, _) => Err(anyhow::anyhow!("--full is for catalogues; history only grows")),
    };
    progress.finish_and_clear();
    shop.close();
    let (imported, removed) = imported?;
    report(&imported, file);
    let unmapped = imported.unmapped.most(UNMAPPED_SHOWN);
    if !unmapped.is_empty() {
        let values: Vec<String> =
            unmapped.iter().map(|(name, value, count)| format!("{name} {value:?} ({count})")).collect();
        say(&format!(
            "{} values mean nothing to the tables; name them in [normalise]: {}",
            imported.unmapped.count(),
            values.join(", ")
        ));
    }
    if removed > 0 {
        say(&format!("{removed} no longer offered: the file leaves them out"));
    }
    let done = imported.accepted + imported.duplicates + imported.without_consent + removed;
    anyhow::ensure!(done > 0 || imported.rejected == 0, "nothing was taken in: every line was rejected");
    Ok(())
}

fn report(imported: &Imported, file: &Path) {
    for (line, problem) in &imported.problems {
        say(&format!("{}:{line}: {problem}", file.display()));
    }
    let unnamed = imported.rejected - imported.problems.len() as u64;
    if unnamed > 0 {
        say(&format!("… and {unnamed} more lines with faults"));
    }
    say(&format!(
        "{} taken in, {} known already, {} without consent, {} rejected",
        imported.accepted, imported.duplicates, imported.without_consent, imported.rejected
    ));
    if let Some(note) = imported.consent_note() {
        say(&note);
    }
}

fn why(decision: &str, key: &str, url: &str) -> anyhow::Result<()> {
    let answer = ureq::get(format!("{url}/v1/decisions/{decision}"))
        .header("Authorization", format!("Bearer {key}"))
        .config()
        .http_status_as_error(false)
        .build()
        .call();
    let text = answer.with_context(|| format!("no answer from {url}"))?.body_mut().read_to_string()?;
    let body: Value = serde_json::from_str(&text).context("the answer is not JSON")?;
    if body["decision_id"].is_null() {
        anyhow::bail!(
            "{}: {}",
            body["title"].as_str().unwrap_or("error"),
            body["detail"].as_str().unwrap_or(&text)
        );
    }
    explain(&body);
    Ok(())
}

fn explain(body: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    say(&format!(
        "{} – placement {}, headline {:?}",
        text(&body["decision_id"]),
        text(&body["placement"]),
        text(&body["headline"])
    ));
    say(&format!(
        "personalization {}, fallback {}, read up to log entry {} with engine {}",
        text(&body["personalization"]),
        text(&body["fallback"]),
        body["read"]["snapshot_offset"],
        text(&body["read"]["engine"])
    ));
    if !body["search"].is_null() {
        say(&searched(body));
    }
    say(&format!("{} candidates:", body["candidate_count"]));
    for source in body["sources"].as_array().into_iter().flatten() {
        say(&format!("  + {:>5} from {}", source["candidates"], text(&source["source"])));
    }
    for removed in body["removed"].as_array().into_iter().flatten() {
        say(&format!("  - {:>5} by {}", removed["count"], text(&removed["by"])));
    }
    for slot in body["slate"].as_array().into_iter().flatten() {
        let by =
            slot["placed_by"].as_str().map(|rule| format!(" (placed by rule {rule:?})")).unwrap_or_default();
        let (title, reason) = (text(&slot["title"]), text(&slot["reason"]["text"]));
        say(&format!(
            "  {:>2}. {title} – {reason}{by}; score {:.3} = {}",
            slot["position"],
            slot["score"].as_f64().unwrap_or_default(),
            sum(&slot["parts"])
        ));
    }
}

/// What was searched for and how it was met.
fn searched(body: &Value) -> String {
    let (search, met) = (&body["search"], &body["met"]);
    let mut text = format!(
        "searched for {}, sorted by {}",
        search["text"],
        search["sort"].as_str().unwrap_or("relevance")
    );
    if search["refine"].as_object().is_some_and(|refine| !refine.is_empty()) {
        text += &format!(", narrowed by {}", search["refine"]);
    }
    if search["literal"] == true {
        text += ", word for word";
    }
    text += &format!(": {} match", met["total"]);
    if met["corrected"].as_str().is_some_and(|corrected| !corrected.is_empty()) {
        text += &format!("; taken as {}", met["corrected"]);
    }
    for (field, said) in [("given_up", "not in all of them"), ("unknown", "no product has")] {
        let words: Vec<&str> =
            met[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !words.is_empty() {
            text += &format!("; {said}: {}", words.join(", "));
        }
    }
    text
}

/// `popular 0.023 + bought_together 1.000`, as the sources yielded them.
fn sum(parts: &Value) -> String {
    let part = |(name, score): (&String, &Value)| format!("{name} {:.3}", score.as_f64().unwrap_or_default());
    parts.as_object().into_iter().flatten().map(part).collect::<Vec<_>>().join(" + ")
}
