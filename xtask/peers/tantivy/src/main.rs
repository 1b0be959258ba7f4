//! tantivy as its examples use it (`basic_search`, `faceted_search`): a `TEXT` field each for title, brand and description, the
//! default BM25, the query parser over all three, the ten best, and facet counts of brands and categories over all matches. On disk,
//! memory-mapped, one search thread. `tantivy-peer FOLDER ROUNDS` reads `products.jsonl` and `queries.jsonl` of FOLDER, which
//! `lab search-speed` writes, indexes into FOLDER/tantivy, and prints its figures as a JSON object.

use serde_json::{Value as Json, json};
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;
use tantivy::collector::{FacetCollector, TopDocs};
use tantivy::query::QueryParser;
use tantivy::schema::{Facet, FacetOptions, Field, STORED, STRING, Schema, TEXT, Value};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, Term};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What the writer may hold, as in the examples.
const WRITER_BYTES: usize = 50_000_000;
/// Queries that are asked before any is timed.
const WARM_UP: usize = 50;
/// Products changed, one by one, for the cost of a change.
const CHANGES: usize = 10;

struct Fields {
    id: Field,
    title: Field,
    brand: Field,
    description: Field,
    brands: Field,
    categories: Field,
}

struct Shop {
    fields: Fields,
    writer: IndexWriter,
    reader: IndexReader,
    parser: QueryParser,
}

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rounds] = args.as_slice() else { return Err("usage: tantivy-peer FOLDER ROUNDS".into()) };
    let (folder, rounds) = (Path::new(folder), rounds.parse::<usize>()?);
    let products = lines(&folder.join("products.jsonl"))?;
    let queries = lines(&folder.join("queries.jsonl"))?;
    let place = folder.join("tantivy");
    fs::create_dir_all(&place)?;
    let started = Instant::now();
    let mut shop = Shop::open(&place)?;
    for product in &products {
        shop.writer.add_document(shop.document(product, text(product, "title")))?;
    }
    shop.writer.commit()?;
    shop.reader.reload()?;
    let build_s = started.elapsed().as_secs_f64();
    let index_bytes = size(&place)?;
    let (mut millis, mut gains) = (Vec::new(), Vec::new());
    for query in queries.iter().take(WARM_UP) {
        shop.search(text(query, "text"))?;
    }
    for round in 0..rounds {
        for query in &queries {
            let started = Instant::now();
            let found = shop.search(text(query, "text"))?;
            millis.push(started.elapsed().as_secs_f64() * 1e3);
            if let Some(ideal) = query["ideal"].as_f64().filter(|_| round == 0) {
                gains.push(gain(&found, &query["grades"]) / ideal);
            }
        }
    }
    let change_ms = shop.change(&products)?;
    let mut figures = json!({
        "build_s": build_s, "index_mib": index_bytes as f64 / 1024.0 / 1024.0, "change_ms": change_ms,
        "p50_ms": quantile(&mut millis, 0.5), "p99_ms": quantile(&mut millis, 0.99),
    });
    if !gains.is_empty() {
        figures["ndcg10"] = json!(gains.iter().sum::<f64>() / gains.len() as f64);
    }
    println!("{figures}");
    Ok(())
}

impl Shop {
    fn open(place: &Path) -> Outcome<Self> {
        let mut schema = Schema::builder();
        let fields = Fields {
            id: schema.add_text_field("id", STRING | STORED),
            title: schema.add_text_field("title", TEXT | STORED),
            brand: schema.add_text_field("brand", TEXT),
            description: schema.add_text_field("description", TEXT),
            brands: schema.add_facet_field("brands", FacetOptions::default()),
            categories: schema.add_facet_field("categories", FacetOptions::default()),
        };
        let index = Index::create_in_dir(place, schema.build())?;
        let writer = index.writer(WRITER_BYTES)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let parser = QueryParser::for_index(&index, vec![fields.title, fields.brand, fields.description]);
        Ok(Self { fields, writer, reader, parser })
    }

    fn document(&self, product: &Json, title: &str) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_text(self.fields.id, text(product, "id"));
        document.add_text(self.fields.title, title);
        document.add_text(self.fields.brand, text(product, "brand"));
        document.add_text(self.fields.description, text(product, "description"));
        for (field, name) in [(self.fields.brands, "brand"), (self.fields.categories, "category")] {
            if !text(product, name).is_empty() {
                document.add_facet(field, Facet::from_path([text(product, name)]));
            }
        }
        document
    }

    /// The ids of the ten best; facets are counted too.
    fn search(&self, words: &str) -> Outcome<Vec<String>> {
        let searcher = self.reader.searcher();
        let (query, _) = self.parser.parse_query_lenient(words);
        let (mut brands, mut categories) =
            (FacetCollector::for_field("brands"), FacetCollector::for_field("categories"));
        brands.add_facet("/");
        categories.add_facet("/");
        let best = TopDocs::with_limit(10).order_by_score();
        let (best, brands, categories) = searcher.search(&query, &(best, brands, categories))?;
        // As many values as a page shows.
        std::hint::black_box((brands.top_k("/", 50), categories.top_k("/", 50)));
        let id = |address| {
            let document: TantivyDocument = searcher.doc(address)?;
            let id = document.get_first(self.fields.id).and_then(|id| id.as_str().map(str::to_owned));
            Ok(id.unwrap_or_default())
        };
        best.into_iter().map(|(_, address)| id(address)).collect()
    }

    /// The median time from a changed title to a search that finds it, and nothing else, by it.
    fn change(&mut self, products: &[Json]) -> Outcome<f64> {
        let mut millis = Vec::new();
        for (no, product) in products.iter().step_by(products.len().div_ceil(CHANGES)).enumerate() {
            let word = format!("zyzzyva{no}");
            let started = Instant::now();
            self.writer.delete_term(Term::from_field_text(self.fields.id, text(product, "id")));
            self.writer.add_document(self.document(product, &word))?;
            self.writer.commit()?;
            self.reader.reload()?;
            millis.push(started.elapsed().as_secs_f64() * 1e3);
            if self.search(&word)? != [text(product, "id")] {
                return Err(format!("a change of {product} is not found").into());
            }
        }
        Ok(quantile(&mut millis, 0.5))
    }
}

/// Linear gains, each over the logarithm of its place.
fn gain(found: &[String], grades: &Json) -> f64 {
    let grade = |id: &String| grades[id.as_str()].as_f64().unwrap_or(0.0);
    found.iter().zip(2_u32..).map(|(id, place)| grade(id) / f64::from(place).log2()).sum()
}

fn text<'a>(of: &'a Json, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default()
}

fn lines(path: &Path) -> Outcome<Vec<Json>> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    BufReader::new(file).lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

fn size(folder: &Path) -> Outcome<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        sum += entry?.metadata()?.len();
    }
    Ok(sum)
}

fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values
        .get(((values.len() as f64 * q) as usize).min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}
