//! What vectors of words and texts are worth for search, on the Icecat catalogue: Recall@100 of intent queries (intent.csv) and
//! NDCG@10 and Recall@100 of the Chorus judgments, by words alone, by the learned vectors, by a dropped-in model, and fused.
//!
//!     cargo run --release -p bespoke-lab --example search_vectors -- --data ../shared/data/search_chorus_icecat \
//!         [--model FOLDER [--cache FILE]] [--width N] [--copies N]
//!
//! Even FNV-1a 64 hashes of the lower-cased query are the dev half, on which all constants here were chosen, odd ones the test half.
//! `--copies N` times the fit and the search on the catalogue N times over, one word in each copy of a text exchanged.

#![allow(clippy::print_stdout, reason = "the table is this program's output")]

use bespoke_domain::ProductNo;
use bespoke_embed::{Embedder, Role};
use bespoke_models::interactions::Interactions;
use bespoke_models::nearest::Vectors;
use bespoke_models::recommender::{FitRun, Scores};
use bespoke_models::seeded::Seeded;
use bespoke_models::text_vectors::{TextData, TextVectors, TextVectorsParams};
use bespoke_search::analysis::{Analyzer, Kind, Language};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const RUN: FitRun = FitRun { seed: 1, threads: 2 };
/// What a word counts by where it stands: title, brand and description, attributes.
const TITLE: f32 = 2.0;
const PLAIN: f32 = 1.0;
const ATTRIBUTE: f32 = 0.25;
/// What vectors count where words say all that is asked, and beyond it where they say nothing (see [`fused`]).
const LEARNED: (f32, f32) = (0.1, 2.0);
const DROPPED: (f32, f32) = (0.4, 2.0);
/// Function words, which ask for nothing.
const STOP: &str = "a an and are as at be by can do does for from has have how i if in into is it its me my no not of off on or our \
    out over so that the their them they this to too up we what when where which who will with without you your";

struct Product {
    id: String,
    title: String,
    brand: String,
    description: String,
    attributes: Vec<String>,
}

/// Grades by product.
type Judged = BTreeMap<String, HashMap<usize, f64>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
    let data = PathBuf::from(value("--data").ok_or("--data FOLDER is missing")?);
    let products = products(&data.join("products.jsonl.gz"))?;
    let mut params = TextVectorsParams::default();
    if let Some(width) = value("--width") {
        params.width = width.parse()?;
    }
    if let Some(copies) = value("--copies") {
        return scale(&products, params, copies.parse()?);
    }
    let numbers: HashMap<&str, usize> =
        products.iter().enumerate().map(|(at, one)| (one.id.as_str(), at)).collect();
    let intent = judged(include_str!("../search/intent.csv"), &numbers)?;
    let mut chorus = String::new();
    GzDecoder::new(std::fs::File::open(data.join("judgments.csv.gz"))?).read_to_string(&mut chorus)?;
    let chorus = judged(&chorus, &numbers)?;
    let words = Words::new(&products);
    let learned = Learned::new(&words, params);
    let plain = Bm25::new(&products, None);
    let stemmed = Bm25::new(&products, Some(&words.analyzer));
    let dropped = value("--model")
        .map(|folder| Dropped::new(Path::new(&folder), value("--cache"), &products))
        .transpose()?;
    let mut systems: Vec<(String, Scorer<'_>)> = vec![
        ("BM25 (plain)".into(), Box::new(|query| plain.scores(&plain.terms(query)))),
        ("BM25 (stemmed, content words)".into(), Box::new(|query| stemmed.scores(&stemmed.content(query)))),
        ("learned vectors".into(), Box::new(|query| learned.scores(query))),
        ("BM25 + learned".into(), Box::new(|query| fused(&stemmed, query, &learned.scores(query), LEARNED))),
    ];
    if let Some(dropped) = &dropped {
        systems.push(("dropped-in model".into(), Box::new(|query| dropped.scores(query))));
        systems.push((
            "BM25 + dropped-in".into(),
            Box::new(|query| fused(&stemmed, query, &dropped.scores(query), DROPPED)),
        ));
    }
    println!("{:<32}{:>32}{:>32}", "", "intent R@100  dev / test", "Chorus NDCG@10 R@100 dev / test");
    for (name, scorer) in &systems {
        let (dev, test) = (measure(&intent, scorer, 0), measure(&intent, scorer, 1));
        let (chorus_dev, chorus_test) = (measure(&chorus, scorer, 0), measure(&chorus, scorer, 1));
        println!(
            "{name:<32}{:>24.4} / {:.4}{:>14.4} {:.4} / {:.4} {:.4}",
            dev.1, test.1, chorus_dev.0, chorus_dev.1, chorus_test.0, chorus_test.1
        );
    }
    Ok(())
}

type Scorer<'a> = Box<dyn Fn(&str) -> Vec<f32> + 'a>;

fn products(path: &Path) -> Result<Vec<Product>> {
    let lines = BufReader::new(GzDecoder::new(std::fs::File::open(path)?)).lines();
    lines.map(|line| product(&serde_json::from_str(&line?)?)).collect()
}

fn product(row: &Value) -> Result<Product> {
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let attribute = |(key, value): (&String, &Value)| -> Option<String> {
        let kind = key.strip_prefix("attr_")?;
        let name = kind.get(2..)?.replace('_', " ");
        match value {
            Value::String(value) if value.len() < 60 => Some(format!("{name} {value}")),
            Value::Bool(true) => Some(name),
            _ => None,
        }
    };
    let attributes = row.as_object().ok_or("a product is an object")?.iter().filter_map(attribute).collect();
    let (title, brand, description) = (text("title"), text("supplier"), text("short_description"));
    Ok(Product { id: text("id"), title, brand, description, attributes })
}

fn judged(text: &str, numbers: &HashMap<&str, usize>) -> Result<Judged> {
    let mut judged = Judged::new();
    for line in text.lines().skip(1) {
        let mut fields = line.rsplitn(3, ',');
        let (grade, id, query) = (fields.next(), fields.next(), fields.next());
        let (Some(grade), Some(id), Some(query)) = (grade, id, query) else {
            return Err(format!("{line}: three fields").into());
        };
        let product = *numbers.get(id).ok_or_else(|| format!("{id} is not in the catalogue"))?;
        judged.entry(query.trim_matches('"').to_owned()).or_default().insert(product, grade.trim().parse()?);
    }
    Ok(judged)
}

/// FNV-1a, 64 bits.
fn half(query: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    query.to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325, step) % 2
}

/// Means of NDCG@10 (linear gain, unjudged nought) and Recall@100 over the queries of a half that have a relevant product.
fn measure(judged: &Judged, scorer: &Scorer<'_>, of: u64) -> (f64, f64) {
    let (mut ndcg, mut recall, mut count) = (0.0, 0.0, 0.0);
    for (query, grades) in judged.iter().filter(|(query, _)| half(query) == of) {
        let relevant = grades.values().filter(|grade| **grade > 0.0).count();
        if relevant == 0 {
            continue;
        }
        let best = best(&scorer(query), 100);
        let discount = |place: usize| 1.0 / (place as f64 + 2.0).log2();
        let grade = |product: &usize| grades.get(product).copied().unwrap_or(0.0);
        let gain: f64 =
            best.iter().take(10).enumerate().map(|(place, product)| grade(product) * discount(place)).sum();
        let mut ideal: Vec<f64> = grades.values().copied().collect();
        ideal.sort_by(|a, b| b.total_cmp(a));
        ndcg += gain
            / ideal.iter().take(10).enumerate().map(|(place, grade)| grade * discount(place)).sum::<f64>();
        recall += best.iter().filter(|product| grade(product) > 0.0).count() as f64 / relevant as f64;
        count += 1.0;
    }
    (ndcg / count, recall / count)
}

fn best(scores: &[f32], limit: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).filter(|at| scores[*at] > 0.0).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    order.truncate(limit);
    order
}

/// `c L / max L + (base + missing (1 − c)) S / max S`: c is the greatest share of the query's idf that any product has.
fn fused(words: &Bm25<'_>, query: &str, semantic: &[f32], (base, missing): (f32, f32)) -> Vec<f32> {
    let terms = words.content(query);
    let lexical = words.scores(&terms);
    let most = |scores: &[f32]| scores.iter().fold(1e-9_f32, |most, score| most.max(*score));
    let (word_most, sense_most) = (most(&lexical), most(semantic));
    let covered =
        most(&words.held(&terms)) / terms.iter().map(|term| words.weight(term)).sum::<f32>().max(1e-9);
    let weight = base + missing * (1.0 - covered);
    let one = |(word, sense): (&f32, &f32)| covered * word / word_most + weight * sense.max(0.0) / sense_most;
    lexical.iter().zip(semantic).map(one).collect()
}

/// Plain BM25, k1 1.2, b .75, over title, brand and description.
struct Bm25<'a> {
    analyzer: Option<&'a Analyzer>,
    postings: HashMap<String, Vec<(u32, f32)>>,
    count: usize,
}

impl<'a> Bm25<'a> {
    fn new(products: &[Product], analyzer: Option<&'a Analyzer>) -> Self {
        let mut made = Self { analyzer, postings: HashMap::new(), count: products.len() };
        let texts = products
            .iter()
            .map(|one| made.terms(&format!("{} {} {}", one.title, one.brand, one.description)));
        let texts: Vec<Vec<String>> = texts.collect();
        let mean = texts.iter().map(Vec::len).sum::<usize>() as f32 / texts.len() as f32;
        for (at, text) in texts.iter().enumerate() {
            let mut counts: BTreeMap<&String, f32> = BTreeMap::new();
            text.iter().for_each(|term| *counts.entry(term).or_default() += 1.0);
            let norm = 1.2 * (0.25 + 0.75 * text.len() as f32 / mean);
            for (term, count) in counts {
                made.postings
                    .entry(term.clone())
                    .or_default()
                    .push((at as u32, 2.2 * count / (count + norm)));
            }
        }
        made
    }

    fn terms(&self, text: &str) -> Vec<String> {
        let stemmed =
            |analyzer: &Analyzer| analyzer.tokens(text).into_iter().map(|token| token.term).collect();
        let plain = || {
            text.to_lowercase()
                .split(|c: char| !c.is_alphanumeric())
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        self.analyzer.map_or_else(plain, stemmed)
    }

    /// Without function words.
    fn content(&self, query: &str) -> Vec<String> {
        let kept: Vec<&str> = query
            .split_whitespace()
            .filter(|word| !STOP.split_whitespace().any(|stop| stop == word.to_lowercase()))
            .collect();
        let mut terms = self.terms(&kept.join(" "));
        terms.sort();
        terms.dedup();
        terms
    }

    fn weight(&self, term: &str) -> f32 {
        let with = self.postings.get(term).map_or(0, Vec::len) as f32;
        (1.0 + (self.count as f32 - with + 0.5) / (with + 0.5)).ln()
    }

    fn scores(&self, terms: &[String]) -> Vec<f32> {
        self.sums(terms, |part| part)
    }

    /// The idf of those of `terms` that each product has.
    fn held(&self, terms: &[String]) -> Vec<f32> {
        self.sums(terms, |_| 1.0)
    }

    fn sums(&self, terms: &[String], counts: impl Fn(f32) -> f32) -> Vec<f32> {
        let mut sums = vec![0.0; self.count];
        for term in terms {
            let weight = self.weight(term);
            let postings = self.postings.get(term).into_iter().flatten();
            postings.for_each(|(at, part)| sums[*at as usize] += weight * counts(*part));
        }
        sums
    }
}

/// The words of a catalogue and where they stand.
struct Words {
    analyzer: Analyzer,
    words: Vec<String>,
    texts: Interactions,
}

impl Words {
    fn new(products: &[Product]) -> Self {
        let analyzer = Analyzer::new(Language::English);
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let rows: Vec<Vec<(ProductNo, f32)>> =
            products.iter().map(|one| row(&analyzer, one, &mut numbers)).collect();
        let mut words = vec![String::new(); numbers.len()];
        numbers.into_iter().for_each(|(word, number)| words[number as usize] = word);
        Self { analyzer, texts: Interactions::new(rows), words }
    }
}

/// A product's words, each once, by the greatest that it counts anywhere.
fn row(analyzer: &Analyzer, product: &Product, numbers: &mut HashMap<String, u32>) -> Vec<(ProductNo, f32)> {
    let mut row: BTreeMap<u32, f32> = BTreeMap::new();
    let parts = [(&product.title, TITLE), (&product.brand, PLAIN), (&product.description, PLAIN)];
    let attributes = product.attributes.iter().map(|text| (text, ATTRIBUTE));
    for (text, weight) in parts.into_iter().chain(attributes) {
        for token in analyzer
            .tokens(text)
            .into_iter()
            .filter(|token| token.kind != Kind::Number && token.term.len() > 1)
        {
            let next = numbers.len() as u32;
            let held = row.entry(*numbers.entry(token.term).or_insert(next)).or_default();
            *held = held.max(weight);
        }
    }
    row.into_iter().map(|(word, weight)| (ProductNo(word), weight)).collect()
}

/// The learned vectors of words and products.
struct Learned<'a> {
    model: TextVectors,
    products: Vectors,
    words: &'a Words,
}

impl<'a> Learned<'a> {
    fn new(words: &'a Words, params: TextVectorsParams) -> Self {
        let names: Vec<&str> = words.words.iter().map(String::as_str).collect();
        let data = TextData { words: &names, texts: &words.texts, asked: None };
        let started = Instant::now();
        let model = params.fit(&data, RUN);
        let fitted = started.elapsed();
        let products = model.products(&data, RUN.threads);
        let bytes = (model.size_bytes(), products.size_bytes() as f64 / products.count() as f64);
        println!(
            "learned in {:.2} s, products in {:.2} s; {} words in {} bytes, {:.0} bytes a product",
            fitted.as_secs_f64(),
            started.elapsed().as_secs_f64() - fitted.as_secs_f64(),
            model.len(),
            bytes.0,
            bytes.1
        );
        Self { model, products, words }
    }

    fn vector(&self, query: &str) -> Vec<f32> {
        let is_stop = |word: &str| STOP.split_whitespace().any(|stop| stop == word);
        let tokens = self.words.analyzer.tokens(query);
        let tokens = tokens.iter().filter(|token| !is_stop(&token.surface));
        let known: Vec<(u32, f32)> =
            tokens.filter_map(|token| Some((self.model.number(&token.term)?, 1.0))).collect();
        self.model.vector(&known)
    }

    fn scores(&self, query: &str) -> Vec<f32> {
        let vector = self.vector(query);
        let dot = |row: &[f32]| row.iter().zip(&vector).map(|(a, b)| a * b).sum();
        self.products.rows().chunks_exact(self.model.width()).map(dot).collect()
    }
}

/// A model folder, and the vectors of all titles by it.
struct Dropped {
    model: Embedder,
    rows: Vec<f32>,
}

impl Dropped {
    fn new(folder: &Path, cache: Option<String>, products: &[Product]) -> Result<Self> {
        let model = Embedder::load(folder, RUN.threads)?;
        let texts: Vec<&str> = products.iter().map(|one| one.title.as_str()).collect();
        let cached = cache.as_ref().and_then(|path| std::fs::read(path).ok());
        let rows = match cached {
            Some(bytes) => bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            None => {
                let started = Instant::now();
                let rows = model.embed(&texts, Role::Passage)?.concat();
                println!("{} titles in {:.1} s", texts.len(), started.elapsed().as_secs_f64());
                if let Some(path) = cache {
                    std::fs::write(
                        path,
                        rows.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>(),
                    )?;
                }
                rows
            }
        };
        let mut times = Vec::new();
        let model = Embedder::load(folder, 1)?;
        for text in intent_queries() {
            let started = Instant::now();
            model.embed(&[text], Role::Query)?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        println!(
            "one query p50 {:.2} ms, p95 {:.2} ms",
            times[times.len() / 2],
            times[times.len() * 95 / 100]
        );
        Ok(Self { model, rows })
    }

    fn scores(&self, query: &str) -> Vec<f32> {
        let vectors = self.model.embed(&[query], Role::Query).unwrap_or_default();
        let Some(vector) = vectors.first() else { return Vec::new() };
        let dot = |row: &[f32]| row.iter().zip(vector).map(|(a, b)| a * b).sum();
        self.rows.chunks_exact(vector.len()).map(dot).collect()
    }
}

fn intent_queries() -> Vec<&'static str> {
    let mut queries: Vec<&str> = include_str!("../search/intent.csv")
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .collect();
    queries.dedup();
    queries
}

/// Times on the catalogue `copies` times over.
fn scale(products: &[Product], params: TextVectorsParams, copies: usize) -> Result<()> {
    let words = Words::new(products);
    let mut seeded = Seeded::new(3);
    let rows = (0..copies * products.len()).map(|at| {
        let mut row = words.texts.history(at % products.len());
        // The fifteen words that count most, one of them another's.
        row.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        row.truncate(15);
        if let Some(one) = row.last_mut() {
            one.0 = ProductNo(seeded.below(words.words.len()) as u32);
        }
        row
    });
    let words = Words { texts: Interactions::new(rows), analyzer: words.analyzer, words: words.words };
    println!("{} products, {} words of them", words.texts.row_count(), words.texts.len());
    let learned = Learned::new(&words, params);
    let mut scratch = Scores::default();
    let mut times = Vec::new();
    for query in intent_queries() {
        let started = Instant::now();
        let vector = learned.vector(query);
        let found = learned.products.best(&vector, &[], 200, &mut scratch);
        times.push((started.elapsed().as_secs_f64() * 1e3, found.len()));
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    println!(
        "200 nearest: p50 {:.2} ms, p95 {:.2} ms",
        times[times.len() / 2].0,
        times[times.len() * 95 / 100].0
    );
    let status = std::fs::read_to_string("/proc/self/status")?;
    status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
    Ok(())
}
