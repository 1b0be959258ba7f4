//! `bespoke judge`: the measures of a search by a list and by a folder in the layout of WANDS, small enough to work out by hand.

use crate::Bench;
use bespoke::http::App;
use bespoke::judge::{Placements, Report, ask_here, judge, list, table, wands};
use bespoke::{import, placements};
use bespoke_models::relevance::MEASURES;
use expect_test::expect;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A shop that searches in two ways, one of them with a product that it pins.
const TWO: &str = r#"
[shop]
currency = "EUR"
time_zone = "UTC"
unknown_consent = "granted"

[holdout]
share = 0

[[placement]]
name = "search"
headline = "Results"
form = "listing"
slots = 24
sources = [{ source = "matches", weight = 1.0, limit = 1000 }]

[[placement]]
name = "pinned"
headline = "Results"
form = "listing"
slots = 24
sources = [{ source = "matches", weight = 1.0, limit = 1000 }]

[[placement.rule]]
name = "Window"
rule = "pin"
items = ["lamp"]
"#;

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("writes");
    path
}

fn shop() -> Bench {
    let bench = Bench::new();
    placements::apply(&bench.shop, TWO, "test").expect("placements");
    let row = |(id, title): (&str, &str)| {
        json!({ "id": id, "title": title, "availability": "in_stock" }).to_string()
    };
    let rows = [
        ("oak", "Oak table"),
        ("walnut", "Walnut coffee table with a long name"),
        ("lamp", "Lamp 40w"),
        ("chair", "Garden chair"),
    ];
    let text = rows.map(row).join("\n");
    let imported = import::catalog_from(&bench.shop, text.as_bytes(), &mut |_| ()).expect("imports");
    assert_eq!((imported.accepted, imported.rejected), (4, 0));
    bench
}

const LIST: &str = "\
note,query,docid,Rating
,table,oak,3
,table,walnut,1
,\"table, oak\",oak,2
,lamp 40w,lamp,2
,lamp 40w,gone,3
,garden  chair for two,chair,1
,velvet,oak,1
,sofa,gone,2
,sofa,oak,0
,table,oak,good
,table,oak
,,oak,1
";

fn judged(against: Option<&str>) -> Report {
    let folder = tempfile::tempdir().expect("a directory");
    let list = list::read(&write(folder.path(), "judgments.csv", LIST)).expect("a list");
    let bench = shop();
    let app = App::new(bench.shop.clone());
    let placements = Placements { judged: "search", against };
    judge(list.queries, placements, &mut |path, body| ask_here(&app, path, body)).expect("a report")
}

#[test]
fn bad_lines_are_named_and_the_good_ones_count() {
    let folder = tempfile::tempdir().expect("a directory");
    let list = list::read(&write(folder.path(), "judgments.csv", LIST)).expect("a list");
    let faults: Vec<String> =
        list.faults.shown.iter().map(|(_, line, problem)| format!("{line}: {problem}")).collect();
    expect![[r#"
        11: grade: must be a whole number from 0 to 255, not `good` [invalid_grade]
        12: line: 3 values for 4 columns [wrong_column_count]
        13: query: is empty; give it a value, or leave the line out [missing]"#]]
    .assert_eq(&faults.join("\n"));
    assert_eq!((list.faults.count, list.queries.len()), (3, 6));
}

#[test]
fn a_list_is_measured_by_segment() {
    let report = judged(None);
    expect![[r#"
        each query                                matches    NDCG@10  condensed  judged@10 Recall@100        MRR
        garden  chair for two                           1     1.0000     1.0000     1.0000     1.0000     1.0000  search
        lamp 40w                                        1     1.0000     1.0000     1.0000     1.0000     1.0000  search
        table                                           2     1.0000     1.0000     1.0000     1.0000     1.0000  search
        table, oak                                      2     1.0000     1.0000     0.5000     1.0000     1.0000  search
        velvet                                          0     0.0000     0.0000     0.0000     0.0000     0.0000  search

        5 queries, 5 judged products
        queries left out, since the shop has no product that is relevant to them: 1
        judged products left out, since the shop does not have them: 1 (gone)

        search                                    queries    NDCG@10  condensed  judged@10 Recall@100        MRR
        all                                             5     0.8000     0.8000     0.7000     0.8000     0.8000
        1 word                                          2     0.5000     0.5000     0.5000     0.5000     0.5000
        2 words                                         2     1.0000     1.0000     0.7500     1.0000     1.0000
        3 words or more                                 1     1.0000     1.0000     1.0000     1.0000     1.0000
        with digits                                     1     1.0000     1.0000     1.0000     1.0000     1.0000
        without digits                                  4     0.7500     0.7500     0.6250     0.7500     0.7500
        nothing found                                   1     0.0000     0.0000     0.0000     0.0000     0.0000"#]]
    .assert_eq(&table(&report, true));
    let told = serde_json::to_value(&report).expect("JSON");
    for (name, _, of) in MEASURES {
        assert_eq!(told["results"][0][name], of(&report.results[0].means), "{name}");
    }
}

#[test]
fn two_placements_are_compared_on_the_same_queries() {
    let report = judged(Some("pinned"));
    let ndcg: Vec<(&str, f64)> = report
        .results
        .iter()
        .filter(|row| row.segment == "all")
        .map(|row| (row.placement.as_str(), row.means.ndcg10))
        .collect();
    // The lamp comes first: what was first is second, what was second is third.
    let second = 1.0 / 3_f64.log2();
    let pinned = (second + 1.0 + (3.0 * second + 0.5) / (3.0 + second) + second) / 5.0;
    assert_eq!(ndcg[0], ("search", 0.8));
    assert!(ndcg[1].0 == "pinned" && (ndcg[1].1 - pinned).abs() < 1e-12, "{ndcg:?}");
    let text = table(&report, false);
    let at = text.find("search less pinned").expect("differences");
    expect![[r#"
        search less pinned, with 95 % intervals (paired bootstrap)
        all                                             5
          NDCG@10     +0.2158  (+0.0682 to +0.3635)
          condensed   +0.0000  (+0.0000 to +0.0000)
          judged@10   +0.2000  (+0.0333 to +0.3667)
          Recall@100  +0.0000  (+0.0000 to +0.0000)
          MRR         +0.3000  (+0.1000 to +0.5000)
        1 word                                          2
          NDCG@10     +0.1705  (+0.0000 to +0.3410)
          condensed   +0.0000  (+0.0000 to +0.0000)
          judged@10   +0.1667  (+0.0000 to +0.3333)
          Recall@100  +0.0000  (+0.0000 to +0.0000)
          MRR         +0.2500  (+0.0000 to +0.5000)
        2 words                                         2
          NDCG@10     +0.1845  (+0.0000 to +0.3691)
          condensed   +0.0000  (+0.0000 to +0.0000)
          judged@10   +0.0833  (+0.0000 to +0.1667)
          Recall@100  +0.0000  (+0.0000 to +0.0000)
          MRR         +0.2500  (+0.0000 to +0.5000)
        3 words or more                                 1
          NDCG@10     +0.3691  (+0.3691 to +0.3691)
          condensed   +0.0000  (+0.0000 to +0.0000)
          judged@10   +0.5000  (+0.5000 to +0.5000)
          Recall@100  +0.0000  (+0.0000 to +0.0000)
          MRR         +0.5000  (+0.5000 to +0.5000)
        with digits                                     1
          NDCG@10     +0.0000  (+0.0000 to +0.0000)
          condensed   +0.0000  (+0.0000 to +0.0000)
          judged@10   +0.0000  (+0.0000 to +0.0000)
          Recall@100  +0.0000  (+0.0000 to +0.0000)
          MRR         +0.0000  (+0.0000 to +0.0000)
        without digits                                  4
          NDCG@10     +0.2698  (+0.0923 to +0.3691)
          condensed   +0.0000  (+0.0000 to +0.0000)
          judged@10   +0.2500  (+0.0833 to +0.4167)
          Recall@100  +0.0000  (+0.0000 to +0.0000)
          MRR         +0.3750  (+0.1250 to +0.5000)"#]]
    .assert_eq(&text[at..]);
}

#[test]
fn a_placement_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().expect("a directory");
    let list = list::read(&write(folder.path(), "judgments.csv", LIST)).expect("a list");
    let bench = shop();
    let app = App::new(bench.shop.clone());
    let placements = Placements { judged: "serach", against: None };
    let error = judge(list.queries, placements, &mut |path, body| ask_here(&app, path, body));
    let error = format!("{:#}", error.expect_err("there is none"));
    assert!(error.contains("there is no placement \"serach\""), "{error}");
}

#[test]
fn a_list_of_which_nothing_can_be_judged_is_an_error() {
    let folder = tempfile::tempdir().expect("a directory");
    let text = "query,product_id,grade\nsofa,gone,2\nsofa,oak,0\n";
    let list = list::read(&write(folder.path(), "judgments.csv", text)).expect("a list");
    let bench = shop();
    let app = App::new(bench.shop.clone());
    let placements = Placements { judged: "search", against: None };
    let error = judge(list.queries, placements, &mut |path, body| ask_here(&app, path, body));
    let error = format!("{:#}", error.expect_err("there is none"));
    assert!(error.starts_with("nothing can be judged: for none of 1 queries"), "{error}");
    assert!(error.contains("1 of 2 judged products are not in its catalogue"), "{error}");
}

#[test]
fn a_list_without_its_columns_is_refused() {
    let folder = tempfile::tempdir().expect("a directory");
    let path = write(folder.path(), "judgments.csv", "query,product,grade\na,b,1\n");
    let error = list::read(&path).expect_err("a column is missing").to_string();
    let wanted = "judgments.csv: the first line must name a column `product_id` or `docid` or `item_id`; it names `query`, `product`, `grade`";
    assert!(error.ends_with(wanted), "{error}");
}

const PRODUCTS: &str = "\
product_id\tproduct_name\tproduct_class\tcategory hierarchy\tproduct_description\tproduct_features\trating_count\taverage_rating\treview_count
1\tOak Dining Table\tDining Tables\tFurniture / Kitchen & Dining / Tables\t\"Solid oak.\nHe said \"\"sturdy\"\".\"\tseats:6|material:Oak|material : Oak\t12.0\t4.5\t10.0
2\tWalnut Coffee Table\tCoffee Tables|Side Tables\tFurniture / Living Room\tLow\tmaterial:Walnut\t\t\t
3\tReading Light 40w\tLamps\tLighting\t\t\t3.0\t4.0\t2.0
4\t\tLamps\tLighting\t\t\t\t\t
5\tGarden Chair\tChairs\tOutdoor\t\tcolor:green\tmany\t4.0\t2.0
6\tGarden Bench\tChairs\tOutdoor\t\tcolor:green\t1.0\t9.0\t2.0
";

fn small_wands(folder: &Path) {
    write(folder, "product.csv", PRODUCTS);
    let queries = "query_id\tquery\tquery_class\n0\toak table\tTables\n1\tlight 40w\tLamps\n2\tsofa\tSofas\n";
    write(folder, "query.csv", queries);
    let labels = "id\tquery_id\tproduct_id\tlabel\n0\t0\t1\tExact\n1\t0\t2\tPartial\n2\t0\t3\tIrrelevant\n3\t1\t3\texact\n4\t2\t9\tExact\n5\t7\t2\tPartial\n6\t1\t2\tGood\n";
    write(folder, "label.csv", labels);
}

#[test]
fn the_layout_of_wands_is_read() {
    let folder = tempfile::tempdir().expect("a directory");
    small_wands(folder.path());
    let wands = wands::read(folder.path()).expect("a folder");
    let table: Value =
        serde_json::from_str(wands.catalogue.lines().next().expect("a product")).expect("JSON");
    let wanted = json!({
        "id": "1", "title": "Oak Dining Table", "availability": "in_stock",
        "product_type": "Furniture > Kitchen & Dining > Tables",
        "description": "Solid oak.\nHe said \"sturdy\".",
        "attributes": { "product class": ["Dining Tables"], "seats": ["6"], "material": ["Oak"] },
        "rating": "4.5", "rating_count": 12,
    });
    assert_eq!(table, wanted);
    assert_eq!(wands.lines, [2, 4, 5, 8], "the first reaches over two lines");
    let oak = wands.judgments.queries.iter().find(|one| one.query == "oak table").expect("a query");
    assert_eq!(["1", "2", "3"].map(|id| oak.grades.of(&id.to_owned())), [Some(2), Some(1), Some(0)]);
    let error = wands::read(&folder.path().join("none")).expect_err("no such folder").to_string();
    assert!(error.starts_with("cannot open ") && error.ends_with("product.csv"), "{error}");
}

/// The program itself, from a folder to its table.
#[test]
fn the_command_judges_a_folder() {
    let folder = tempfile::tempdir().expect("a directory");
    small_wands(folder.path());
    let scratch = folder.path().join("scratch");
    std::fs::create_dir(&scratch).expect("a directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bespoke"));
    command.arg("judge").arg("--wands").arg(folder.path()).env("TMPDIR", &scratch).env_remove("BESPOKE_KEY");
    let run = command.output().expect("runs");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{err}");
    expect![[r#"
        2 queries, 4 judged products
        queries left out, since the shop has no product that is relevant to them: 1
        judged products left out, since the shop does not have them: 1 (9)

        search                                    queries    NDCG@10  condensed  judged@10 Recall@100        MRR
        all                                             2     1.0000     1.0000     1.0000     1.0000     1.0000
        2 words                                         2     1.0000     1.0000     1.0000     1.0000     1.0000
        with digits                                     1     1.0000     1.0000     1.0000     1.0000     1.0000
        without digits                                  1     1.0000     1.0000     1.0000     1.0000     1.0000
        class Lamps                                     1     1.0000     1.0000     1.0000     1.0000     1.0000
        class Tables                                    1     1.0000     1.0000     1.0000     1.0000     1.0000
    "#]].assert_eq(&out);
    expect![[r#"
        product.csv:6: product_name: is empty; give it a value, or leave the line out [missing]
        product.csv:7: rating_count: must be a whole number, not `many` [invalid_count]
        label.csv:7: query_id: `7` is none of query.csv [unknown_query]
        label.csv:8: label: must be Exact, Partial or Irrelevant, not `Good` [unknown_label]
        product.csv:8: rating: must be a number from 0 to 5 [invalid_rating]
    "#]]
    .assert_eq(&err);
    assert_eq!(std::fs::read_dir(&scratch).expect("a directory").count(), 0, "nothing is left behind");
}
