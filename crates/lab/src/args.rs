//! The command line, parsed by hand: a dozen commands with a few options each.

use crate::baskets::BasketOptions;
use crate::baskets::data::SETS;
use crate::baskets::models::MODELS as BASKET_MODELS;
use crate::bench::{BENCHES, BenchOptions};
use crate::error::Error;
use crate::experiments::{ExperimentOptions, PipelineOptions};
use crate::http::HttpOptions;
use crate::models::MODELS;
use crate::ranker::RankerOptions;
use crate::search::SearchOptions;
use crate::search::attributes::AttributeOptions;
use crate::search::served::Vectors;
use crate::search::speed::SpeedOptions;
use crate::sequences::SequenceOptions;
use crate::sequences::models::MODELS as SEQUENCE_MODELS;
use crate::topn::TopOptions;
use crate::topn::models::MODELS as TOP_MODELS;
use std::path::PathBuf;

/// How to call it.
pub const USAGE: &str = "\
usage: lab sessions --train FILE --test FILE [options]
  --model NAME       popular, co_visitation, session_knn, reranked or all (default all)
  -k N               cut-off of the measures, 1 to 1000 (default 20)
  --min-prefix N     shortest prefix that is predicted from, at least 1 (default 1)
  --params FILE      JSON object of parameters by model name; those models are not tuned
  --dump N FILE      write the top k of the first N cases of each model as JSON lines
  --json             print one JSON object instead of a table
Files are TSV, gzip where named .gz, with the header `session<TAB>items`; items are separated by spaces, sessions in time order.

usage: lab topn --train FILE --test FILE [options]
  --model NAME       of those in docs/models.md, or all (default all)
  -k N               cut-off of the measures, 1 to 1000 (default 20)
  --params FILE      JSON object of parameters by model name; those models are not tuned
  --json             print one JSON object instead of a table
Files hold a line `user item item …` of numbers for each user, gzip where named .gz.

usage: lab sequences --data DIR [options]
  --model NAME       popular, co_visitation, session_knn, sequence, two_tower or all (default all)
  --params FILE      JSON object of parameters by model name
  --json             print one JSON object instead of a table
DIR holds sequences.txt.gz and item2attributes.json.gz; the last product of each shopper is the test, the last but one chooses.

usage: lab cold-start --data DIR [--params FILE]
The two-tower model against content similarity on a fifth of the products taken out of training, as JSON.

usage: lab baskets --data DIR [options]
  --set NAME         online_retail, tafeng or all (default all): the folder baskets_NAME in DIR
  --model NAME       popular, frequency, ease, slim, tifu_knn, next_basket or all (default all)
  -k N               cut-off of the measures, 1 to 1000 (default 10)
  --json             print one JSON object instead of a table
The last order of every shopper is asked for: all products, and those that are new to the shopper.

usage: lab search --products FILE --judgments FILE [options]
  --typos SEED       mistypes every word of five letters or more
  --vectors learned  measures words with vectors learned from the products' texts too
  --embedder DIR     and with vectors of the titles by this model folder
  --cache FILE       keeps those vectors, or takes them from it: 32-bit floats, product by product
  --categories FILE  gives products categories by the rules of FILE (crates/lab/search/categories.txt), and tells what is predicted
  --each             prints each query's NDCG@10 and Recall@100 to standard error
  --json             print one JSON object instead of a table
Products are JSON lines (id, title, supplier, short_description, attr_…), judgments CSV lines query,product,grade; gzip where named .gz.
For the intent queries: --judgments crates/lab/search/intent.csv.

usage: lab search --products FILE --attributes FILE [options]
  --each             prints the queries whose first product is not what was asked for to standard error, and what it lacks
  --json             print one JSON object instead of a table
Share of attribute queries (crates/lab/search/attributes.jsonl) whose first product is all that was asked for.

usage: lab search-speed --data DIR [options of `lab bench`]
Searches on DIR/search_chorus_icecat, in process and over HTTP, and on the seeded shop; leaves both catalogues for a peer.

usage: lab http --train FILE --test FILE [options]
  --server FILE      the release binary `bespoke` (default target/release/bespoke)
  --scratch DIR      an empty or new directory to write to (default target/http)
  -k N               length of the slates, 1 to 100 (default 20)
  --sessions N       held-out sessions that are posted (default 1000)
Posts held-out sessions to a server that imported the training sessions; its slates must be the lab's predictions.

usage: lab seeded [options]
  --seed N           of the simulated shop (default 1)
  --placements FILE  instead of the default ones
  --json             print one JSON object instead of a table
The default placements against popularity on the seeded shop, by its truth. A simulation.

usage: lab seeded-search [options]
  as `lab seeded`
Facets in the order of demand, and tastes in search, on the seeded shop, by its truth. A simulation.

usage: lab seeded-clicks [options]
  as `lab seeded`
Search results in the order of clicks over expected clicks, on the seeded shop, by its truth; learned orders too. A simulation.

usage: lab ranker --train FILE [options]
  --scratch DIR      where rows and the peer go (default target/ranker)
  --groups N         prefixes to learn from and, at most, to be judged on (default 9000)
  --runs N           times each trains; the best counts (default 3)
  --peer             LightGBM on the same rows; installs it with pip into DIR/venv
  --json             print one JSON object instead of lines
Boosted trees on candidates from the last tenth of the training sessions.

usage: lab fits --data DIR
Accessories by compatibility on DIR/search_chorus_icecat, as JSON.

usage: lab experiments [--data DIR] [--simulate] [--planted] [--pipeline] [--watch N] [options]
  --data DIR         published results on uplift_hillstrom, ab_cookie_cats and bandit_obd_men in DIR
  --simulate         false positives under peeking, power, regret: simulations with planted truth
  --planted          lifts through assignment, ledger and report; a switchback; 20 challengers of each kind up the ladder
  --pipeline         a thousand A/A tests, and planted lifts, through a server that runs: HTTP, log, result
  --server FILE      for these, the release binary `bespoke` (default target/release/bespoke)
  --scratch DIR      for these, an empty or new directory (default target/experiments)
  --watch N          alarms of N simulated shops: in a year of nothing, and after what is planted
  --seed N           of the simulations (default 1)
  --runs N           of each simulation (default 2000)
  --json             print one JSON list instead of a table
The statistics of experiments against what is known; fails where a figure is not what it is to be.

usage: lab bench NAME [options]
  NAME               decide, kpis, profiles, nearest, search, server, suggest or train; one a process, since each looks at its memory
  --server FILE      the release binary `bespoke` (default target/release/bespoke)
  --scratch DIR      an empty or new directory to write to, about 15 GB at scale 1 (default target/bench)
  --scale F          size against the full one, 0.001 to 1 (default 1)
  --json             print one JSON object instead of a table";

/// What to evaluate.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Sessions to learn and tune on.
    pub train: PathBuf,
    /// Sessions to measure on.
    pub test: PathBuf,
    /// Names of models, in the order of the table.
    pub models: Vec<&'static str>,
    /// Cut-off of the measures.
    pub cutoff: usize,
    /// Shortest prefix that is predicted from.
    pub min_prefix: usize,
    /// Parameters instead of tuning.
    pub params: Option<PathBuf>,
    /// Number of cases to write, and where.
    pub dump: Option<(usize, PathBuf)>,
    /// Whether the output is for programs.
    pub json: bool,
}

/// Which seeded shop.
#[derive(Clone, Debug, PartialEq)]
pub struct SeededOptions {
    /// Its seed.
    pub seed: u64,
    /// Placements instead of the default ones.
    pub placements: Option<PathBuf>,
    /// Whether the output is for programs.
    pub json: bool,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Evaluate on session data.
    Sessions(Options),
    /// Evaluate on top-N data.
    TopN(TopOptions),
    /// Evaluate on sequences.
    Sequences(SequenceOptions),
    /// The same, on products taken out of training.
    ColdStart(SequenceOptions),
    /// Evaluate on orders.
    Baskets(BasketOptions),
    /// Compare with a server.
    Http(HttpOptions),
    /// `lab search`.
    Search(SearchOptions),
    /// The same, on attribute queries.
    Attributes(AttributeOptions),
    /// What searches cost.
    SearchSpeed(SpeedOptions),
    /// Compare with popularity on the seeded shop.
    Seeded(SeededOptions),
    /// Facets and tastes in search on the seeded shop.
    SeededSearch(SeededOptions),
    /// Search results in the order of clicks on the seeded shop.
    SeededClicks(SeededOptions),
    /// Trees on candidate rows, with or without their peer.
    Ranker(RankerOptions),
    /// Accessories on the catalogue in this folder.
    Fits(PathBuf),
    /// Statistics of experiments against what is known.
    Experiments(ExperimentOptions),
    /// Measure speed and memory.
    Bench(BenchOptions),
}

/// Reads the arguments after the program's name.
///
/// # Errors
/// [`Error::Usage`] for an unknown or missing word or a number out of range.
pub fn parse(words: impl Iterator<Item = String>) -> Result<Command, Error> {
    let mut words = words;
    match words.next().as_deref() {
        Some("sessions") => parse_sessions(&mut words).map(Command::Sessions),
        Some("topn") => parse_topn(&mut words).map(Command::TopN),
        Some("sequences") => parse_sequences(&mut words).map(Command::Sequences),
        Some("cold-start") => parse_sequences(&mut words).map(Command::ColdStart),
        Some("baskets") => parse_baskets(&mut words).map(Command::Baskets),
        Some("search") => parse_search(&mut words),
        Some("search-speed") => parse_search_speed(&mut words).map(Command::SearchSpeed),
        Some("http") => parse_http(&mut words).map(Command::Http),
        Some("seeded-search") => parse_seeded(&mut words).map(Command::SeededSearch),
        Some("seeded-clicks") => parse_seeded(&mut words).map(Command::SeededClicks),
        Some("seeded") => parse_seeded(&mut words).map(Command::Seeded),
        Some("ranker") => parse_ranker(&mut words).map(Command::Ranker),
        Some("fits") => match (words.next().as_deref(), words.next(), words.next()) {
            (Some("--data"), Some(folder), None) => Ok(Command::Fits(folder.into())),
            _ => Err(Error::Usage("`fits` takes --data DIR".to_owned())),
        },
        Some("experiments") => parse_experiments(&mut words).map(Command::Experiments),
        Some("bench") => parse_bench(&mut words).map(Command::Bench),
        Some(other) => Err(Error::Usage(format!("unknown command `{other}`"))),
        None => Err(Error::Usage("no command given".to_owned())),
    }
}

fn parse_sessions(words: &mut impl Iterator<Item = String>) -> Result<Options, Error> {
    let (mut train, mut test) = (None, None);
    let mut options = Options {
        train: PathBuf::new(),
        test: PathBuf::new(),
        models: MODELS.iter().map(|model| model.name).collect(),
        cutoff: 20,
        min_prefix: 1,
        params: None,
        dump: None,
        json: false,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--train" => train = Some(value(words, &word)?.into()),
            "--test" => test = Some(value(words, &word)?.into()),
            "--model" => options.models = among(options.models, &value(words, &word)?)?,
            "-k" => options.cutoff = number(words, &word, 1, 1000)?,
            "--min-prefix" => options.min_prefix = number(words, &word, 1, usize::MAX)?,
            "--params" => options.params = Some(value(words, &word)?.into()),
            "--dump" => {
                options.dump = Some((number(words, &word, 1, usize::MAX)?, value(words, &word)?.into()));
            }
            "--json" => options.json = true,
            _ => return Err(Error::Usage(format!("unknown option `{word}`"))),
        }
    }
    options.train = train.ok_or_else(|| Error::Usage("--train is missing".to_owned()))?;
    options.test = test.ok_or_else(|| Error::Usage("--test is missing".to_owned()))?;
    Ok(options)
}

fn parse_search(words: &mut impl Iterator<Item = String>) -> Result<Command, Error> {
    let (mut products, mut judgments, mut attributes) = (None, None, None);
    let (mut json, mut each, mut typos) = (false, false, None);
    let (mut vectors, mut categories) = (Vectors::default(), None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--products" => products = Some(value(words, &word)?.into()),
            "--categories" => categories = Some(value(words, &word)?.into()),
            "--judgments" => judgments = Some(value(words, &word)?.into()),
            "--attributes" => attributes = Some(value(words, &word)?.into()),
            "--vectors" => match value(words, &word)?.as_str() {
                "learned" => vectors.learned = true,
                other => return Err(Error::Usage(format!("--vectors is learned, not `{other}`"))),
            },
            "--embedder" => vectors.embedder = Some(value(words, &word)?.into()),
            "--cache" => vectors.cache = Some(value(words, &word)?.into()),
            "--typos" => typos = Some(number(words, &word, 0, usize::MAX)? as u64),
            "--each" => each = true,
            "--json" => json = true,
            _ => return Err(Error::Usage(format!("unknown option `{word}`"))),
        }
    }
    let products = products.ok_or_else(|| Error::Usage("--products is missing".to_owned()))?;
    match (judgments, attributes, typos) {
        (Some(judgments), None, typos) => {
            Ok(Command::Search(SearchOptions { products, judgments, json, each, typos, vectors, categories }))
        }
        (None, Some(queries), None) => {
            Ok(Command::Attributes(AttributeOptions { products, queries, json, each, vectors }))
        }
        (None, Some(_), Some(_)) => Err(Error::Usage("--typos goes with --judgments".to_owned())),
        (Some(_), Some(_), _) => Err(Error::Usage("either --judgments or --attributes".to_owned())),
        (None, None, _) => Err(Error::Usage("--judgments is missing".to_owned())),
    }
}

fn parse_topn(words: &mut impl Iterator<Item = String>) -> Result<TopOptions, Error> {
    let (mut train, mut test) = (None, None);
    let mut options = TopOptions {
        train: PathBuf::new(),
        test: PathBuf::new(),
        models: TOP_MODELS.iter().map(|model| model.name).collect(),
        cutoff: 20,
        params: None,
        json: false,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--train" => train = Some(value(words, &word)?.into()),
            "--test" => test = Some(value(words, &word)?.into()),
            "--model" => options.models = among(options.models, &value(words, &word)?)?,
            "-k" => options.cutoff = number(words, &word, 1, 1000)?,
            "--params" => options.params = Some(value(words, &word)?.into()),
            "--json" => options.json = true,
            _ => return Err(Error::Usage(format!("unknown option `{word}`"))),
        }
    }
    options.train = train.ok_or_else(|| Error::Usage("--train is missing".to_owned()))?;
    options.test = test.ok_or_else(|| Error::Usage("--test is missing".to_owned()))?;
    Ok(options)
}

fn parse_sequences(words: &mut impl Iterator<Item = String>) -> Result<SequenceOptions, Error> {
    let mut options = SequenceOptions {
        data: PathBuf::new(),
        models: SEQUENCE_MODELS.iter().map(|model| model.name).collect(),
        params: None,
        json: false,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--data" => options.data = value(words, &word)?.into(),
            "--model" => options.models = among(options.models, &value(words, &word)?)?,
            "--params" => options.params = Some(value(words, &word)?.into()),
            "--json" => options.json = true,
            _ => return Err(Error::Usage(format!("unknown option `{word}`"))),
        }
    }
    match options.data.as_os_str().is_empty() {
        true => Err(Error::Usage("--data is missing".to_owned())),
        false => Ok(options),
    }
}

fn parse_baskets(words: &mut impl Iterator<Item = String>) -> Result<BasketOptions, Error> {
    let mut data = None;
    let mut options = BasketOptions {
        data: PathBuf::new(),
        sets: SETS.iter().map(|set| set.name).collect(),
        models: BASKET_MODELS.iter().map(|model| model.name).collect(),
        cutoff: 10,
        json: false,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--data" => data = Some(value(words, &word)?.into()),
            "--set" => options.sets = among(options.sets, &value(words, &word)?)?,
            "--model" => options.models = among(options.models, &value(words, &word)?)?,
            "-k" => options.cutoff = number(words, &word, 1, 1000)?,
            "--json" => options.json = true,
            _ => return Err(Error::Usage(format!("unknown option `{word}`"))),
        }
    }
    options.data = data.ok_or_else(|| Error::Usage("--data is missing".to_owned()))?;
    Ok(options)
}

fn parse_seeded(words: &mut impl Iterator<Item = String>) -> Result<SeededOptions, Error> {
    let mut options = SeededOptions { seed: 1, placements: None, json: false };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--placements" => options.placements = Some(value(words, &word)?.into()),
            "--seed" => options.seed = number(words, &word, 0, usize::MAX)? as u64,
            "--json" => options.json = true,
            _ => return Err(Error::Usage(format!("unknown option `{word}`"))),
        }
    }
    Ok(options)
}

fn parse_ranker(words: &mut impl Iterator<Item = String>) -> Result<RankerOptions, Error> {
    let mut options = RankerOptions {
        train: PathBuf::new(),
        scratch: "target/ranker".into(),
        groups: 9000,
        runs: 3,
        peer: false,
        json: false,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--train" => options.train = value(words, &word)?.into(),
            "--scratch" => options.scratch = value(words, &word)?.into(),
            "--groups" => options.groups = number(words, &word, 1, usize::MAX)?,
            "--runs" => options.runs = number(words, &word, 1, 100)?,
            "--peer" => options.peer = true,
            "--json" => options.json = true,
            _ => return Err(Error::Usage(format!("unknown option `{word}`"))),
        }
    }
    if options.train.as_os_str().is_empty() {
        return Err(Error::Usage("--train is missing".to_owned()));
    }
    Ok(options)
}

fn parse_experiments(words: &mut impl Iterator<Item = String>) -> Result<ExperimentOptions, Error> {
    let place =
        PipelineOptions { server: "target/release/bespoke".into(), scratch: "target/experiments".into() };
    let mut options = ExperimentOptions {
        data: None,
        simulate: false,
        planted: false,
        pipeline: false,
        watched: 0,
        place,
        seed: 1,
        runs: 2000,
        json: false,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--data" => options.data = Some(value(words, &word)?.into()),
            "--simulate" => options.simulate = true,
            "--planted" => options.planted = true,
            "--pipeline" => options.pipeline = true,
            "--watch" => options.watched = number(words, &word, 1, 1_000)?,
            "--server" => options.place.server = value(words, &word)?.into(),
            "--scratch" => options.place.scratch = value(words, &word)?.into(),
            "--seed" => options.seed = number(words, &word, 0, usize::MAX)? as u64,
            "--runs" => options.runs = number(words, &word, 1, 1_000_000)?,
            "--json" => options.json = true,
            _ => return Err(Error::Usage(format!("unknown option `{word}`"))),
        }
    }
    match options.data.is_some()
        || options.simulate
        || options.planted
        || options.pipeline
        || options.watched > 0
    {
        true => Ok(options),
        false => {
            Err(Error::Usage("--data, --simulate, --planted, --pipeline or --watch is missing".to_owned()))
        }
    }
}

fn parse_http(words: &mut impl Iterator<Item = String>) -> Result<HttpOptions, Error> {
    let mut options = HttpOptions {
        train: PathBuf::new(),
        test: PathBuf::new(),
        server: "target/release/bespoke".into(),
        scratch: "target/http".into(),
        cutoff: 20,
        sessions: 1000,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--train" => options.train = value(words, &word)?.into(),
            "--test" => options.test = value(words, &word)?.into(),
            "--server" => options.server = value(words, &word)?.into(),
            "--scratch" => options.scratch = value(words, &word)?.into(),
            "-k" => options.cutoff = number(words, &word, 1, 100)?,
            "--sessions" => options.sessions = number(words, &word, 1, usize::MAX)?,
            _ => return Err(Error::Usage(format!("unknown option `{word}`"))),
        }
    }
    for (path, name) in [(&options.train, "--train"), (&options.test, "--test")] {
        if path.as_os_str().is_empty() {
            return Err(Error::Usage(format!("{name} is missing")));
        }
    }
    Ok(options)
}

fn parse_search_speed(words: &mut impl Iterator<Item = String>) -> Result<SpeedOptions, Error> {
    match (words.next().as_deref(), words.next()) {
        (Some("--data"), Some(folder)) => {
            let data = PathBuf::from(folder).join("search_chorus_icecat");
            let bench = BENCHES.iter().find(|bench| bench.name == "search").unwrap_or(&BENCHES[0]);
            Ok(SpeedOptions { data, bench: bench_options(bench.name, words)? })
        }
        _ => Err(Error::Usage("`search-speed` begins with --data DIR".to_owned())),
    }
}

fn parse_bench(words: &mut impl Iterator<Item = String>) -> Result<BenchOptions, Error> {
    let name = words.next().unwrap_or_default();
    match BENCHES.iter().find(|bench| bench.name == name) {
        Some(bench) => bench_options(bench.name, words),
        None => Err(Error::Usage(format!("no bench `{name}`"))),
    }
}

fn bench_options(
    bench: &'static str,
    words: &mut impl Iterator<Item = String>,
) -> Result<BenchOptions, Error> {
    let mut options = BenchOptions {
        bench,
        server: "target/release/bespoke".into(),
        scratch: "target/bench".into(),
        scale: 1.0,
        json: false,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--server" => options.server = value(words, &word)?.into(),
            "--scratch" => options.scratch = value(words, &word)?.into(),
            "--scale" => options.scale = scale(&value(words, &word)?)?,
            "--json" => options.json = true,
            _ => return Err(Error::Usage(format!("unknown option `{word}`"))),
        }
    }
    Ok(options)
}

fn scale(text: &str) -> Result<f64, Error> {
    let scale = text.parse().ok().filter(|scale| (0.001..=1.0).contains(scale));
    scale.ok_or_else(|| Error::Usage(format!("--scale needs a number from 0.001 to 1, not `{text}`")))
}

fn value(words: &mut impl Iterator<Item = String>, option: &str) -> Result<String, Error> {
    words.next().ok_or_else(|| Error::Usage(format!("{option} needs a value")))
}

fn number(
    words: &mut impl Iterator<Item = String>,
    option: &str,
    least: usize,
    most: usize,
) -> Result<usize, Error> {
    let text = value(words, option)?;
    text.parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| Error::Usage(format!("{option} needs a number from {least} to {most}, not `{text}`")))
}

/// The model called `wanted`, or all.
fn among(all: Vec<&'static str>, wanted: &str) -> Result<Vec<&'static str>, Error> {
    let names: Vec<_> = all.into_iter().filter(|name| wanted == "all" || wanted == *name).collect();
    if names.is_empty() {
        return Err(Error::Usage(format!("unknown model `{wanted}`")));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, Error> {
        match parse(line.split_whitespace().map(str::to_owned))? {
            Command::Sessions(options) => Ok(options),
            other => Err(Error::Usage(format!("{other:?}"))),
        }
    }

    #[test]
    fn benches_are_chosen_by_name() {
        let line = "bench decide --scale 0.01 --json".split_whitespace().map(str::to_owned);
        let Ok(Command::Bench(options)) = parse(line) else { panic!("valid") };
        assert_eq!((options.bench, options.scale, options.json), ("decide", 0.01, true));
        for (line, said) in
            [("bench decode", "no bench `decode`"), ("bench decide --scale 2", "--scale needs")]
        {
            let error = parse(line.split_whitespace().map(str::to_owned)).expect_err(line).to_string();
            assert!(error.starts_with(said), "{line}: {error}");
        }
    }

    #[test]
    fn options_are_read() {
        let options =
            parsed("sessions --train a.gz --test b.gz --model session_knn -k 5 --dump 3 d.jsonl --json");
        let options = options.expect("valid");
        assert_eq!((options.models.as_slice(), options.cutoff), (&["session_knn"][..], 5));
        assert_eq!((options.dump, options.json), (Some((3, "d.jsonl".into())), true));
        assert_eq!(parsed("sessions --train a --test b").expect("valid").models.len(), MODELS.len());
    }

    #[test]
    fn mistakes_are_named() {
        for (line, said) in [
            ("", "no command given"),
            ("train", "unknown command `train`"),
            ("sessions --train a", "--test is missing"),
            ("sessions --train", "--train needs a value"),
            ("sessions --train a --test b -k 0", "-k needs a number from 1 to 1000, not `0`"),
            ("sessions --train a --test b --model als", "unknown model `als`"),
            ("sessions --trian a", "unknown option `--trian`"),
            ("experiments --seed 2", "--data, --simulate, --planted, --pipeline or --watch is missing"),
            ("search --products a", "--judgments is missing"),
            ("search --products a --judgments b --attributes c", "either --judgments or --attributes"),
            ("search --products a --attributes c --typos 1", "--typos goes with --judgments"),
        ] {
            let error = parsed(line).expect_err(line).to_string();
            assert!(error.starts_with(said), "{line}: {error}");
        }
    }
}
