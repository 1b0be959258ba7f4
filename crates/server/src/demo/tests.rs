//! The conversion on a few hand-made lines, and the figures of the real file.

use super::super::{ONLINE_RETAIL, SKIPS, Skip};
use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write as _;

const HEAD: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

/// 2025-06-10, noon.
const TODAY: Millis = Millis(1_749_556_800_000);

fn gz(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

fn convert_lines(lines: &str) -> Converted {
    convert(&gz(&format!("{HEAD}{lines}")), TODAY, &mut |_, _| {}).expect("well-formed lines")
}

fn objects(jsonl: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(jsonl).expect("JSON is UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

const SHOP: &str = "\
536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom
536365,85123a,WHITE HANGING HEART T-LIGHT HOLDER,2,2010-12-01 08:26:00,2.55,17850,United Kingdom
536365,POST,POSTAGE,1,2010-12-01 08:26:00,18.0,17850,United Kingdom
536366,85123B,\"RECORD FRAME 7\"\" \",1,2010-12-01 08:20:00,4.0,,United Kingdom
536367,85123A,wrongly coded,500,2010-12-02 09:00:00,0.0,,United Kingdom
536368,85123A,damaged,-7,2010-12-02 09:00:00,0.0,,United Kingdom
536369,22222,found,3,2010-12-02 09:00:00,0.0,12345,France
536370,71053,WHITE METAL LANTERN,1,2011-06-01 10:00:00,3.39,12345,France
C53637,85123A,WHITE HANGING HEART T-LIGHT HOLDER,-1,2011-06-01 11:00:00,2.55,17850,United Kingdom
";

#[test]
fn rows_carry_name_price_variants_and_availability() {
    let rows = objects(&convert_lines(SHOP).catalog_jsonl);
    assert_eq!(rows.len(), 3);
    assert_eq!(
        rows[0],
        json!({
            "id": "85123A", "title": "White Hanging Heart T-Light Holder", "link": "/p/85123A",
            "item_group_id": "85123", "price": "2.55 GBP", "availability": "out_of_stock",
            "categories": ["Lighting & Candles"], "published_at": "2024-12-10T08:26:00Z"
        })
    );
    assert_eq!(rows[1]["title"], "Record Frame 7\"");
    assert_eq!((&rows[2]["availability"], rows[2].get("item_group_id")), (&json!("in_stock"), None));
}

#[test]
fn invoices_become_events_in_order_of_time() {
    let events = objects(&convert_lines(SHOP).events_jsonl);
    let ids: Vec<&str> = events.iter().filter_map(|event| event["event_id"].as_str()).collect();
    assert_eq!(ids, ["inv-536366", "inv-536365", "inv-536370", "ref-C53637"]);
    assert_eq!(
        events[1],
        json!({
            "event": "purchase", "event_id": "inv-536365", "event_time": "2024-12-10T08:26:00Z", "user_id": "17850",
            "consent": {"analytics": "granted", "personalization": "granted", "marketing": "denied"},
            "transaction_id": "536365", "currency": "GBP", "value": 20.4,
            "items": [{"item_id": "85123A", "quantity": 8, "price": 2.55}]
        })
    );
    assert_eq!(events[0]["anonymous_id"], "guest-536366");
    assert_eq!(
        (&events[2]["event_time"], &events[3]["event"]),
        (&json!("2025-06-10T10:00:00Z"), &json!("refund"))
    );
    assert_eq!(events[3]["items"], json!([{"item_id": "85123A", "quantity": 1, "price": 2.55}]));
}

#[test]
fn every_line_is_used_or_skipped_for_a_reason() {
    let report = convert_lines(SHOP).report;
    let skipped = |reason| report.skipped.lines(reason);
    assert_eq!((skipped(Skip::AdjustmentCode), skipped(Skip::WriteOff)), (1, 1));
    assert_eq!((skipped(Skip::StockEntry), skipped(Skip::NoTitle)), (1, 1));
    assert_eq!((report.lines_bought, report.lines_refunded, report.lines_merged), (4, 1, 1));
    assert_eq!(report.adjustment_codes, [("POST".to_owned(), 1)]);
    assert!(report.to_string().contains("lines left out: 4"), "{report}");
}

#[test]
fn large_invoices_are_split_and_keep_their_value() {
    let line = |n: u32| format!("500000,{},MUG,1,2011-01-01 10:00:00,1.00,,France\n", 10_000 + n);
    let events = objects(&convert_lines(&(0..450).map(line).collect::<String>()).events_jsonl);
    let sizes: Vec<usize> = events.iter().filter_map(|e| e["items"].as_array().map(Vec::len)).collect();
    assert_eq!(sizes, [200, 200, 50]);
    assert_eq!(events[2]["event_id"], "inv-500000-3");
    assert!(events.iter().all(|e| e["transaction_id"] == "500000" && e["anonymous_id"] == "guest-500000"));
    assert_eq!(events.iter().filter_map(|e| e["value"].as_f64()).sum::<f64>(), 450.0);
}

#[test]
fn faults_name_the_line_and_the_column() {
    let fault =
        |bytes: &[u8]| convert(bytes, TODAY, &mut |_, _| {}).map(|_| ()).expect_err("faulty").to_string();
    let bad_price = format!("{HEAD}1,71053,A,1,2010-12-01 08:26:00,x,,UK\n");
    assert_eq!(fault(&gz(&bad_price)), "line 2: \"x\" is no UnitPrice");
    assert!(fault(&gz("a,b\n1,2\n")).starts_with("the columns are"));
    assert!(fault(b"no gzip").starts_with("the order lines cannot be read"));
    assert!(fault(&ONLINE_RETAIL[..100_000]).starts_with("the order lines cannot be read"));
}

#[test]
fn the_real_file_is_accounted_for_to_the_line() {
    let mut calls = Vec::new();
    let converted = convert(ONLINE_RETAIL, TODAY, &mut |done, total| calls.push((done, total)))
        .expect("the file is good");
    let report = &converted.report;
    assert_eq!(report.rows, 541_909);
    assert_eq!(report.lines_bought + report.lines_refunded + report.skipped.total(), report.rows);
    assert_eq!((report.products, report.products_in_stock, report.products_left_out), (3_788, 3_154, 34));
    assert_eq!((report.invoices, report.guest_invoices, report.refunds), (19_773, 1_371, 3_417));
    assert_eq!((report.events, report.customers), (23_525, 4_363));
    let skipped: Vec<u64> = SKIPS.iter().map(|(reason, _)| report.skipped.lines(*reason)).collect();
    assert_eq!(skipped, [2_995, 1_324, 1_101, 100]);
    assert!(
        calls.is_sorted() && calls.last().is_some_and(|(done, total)| done == total && *total > 40_000_000)
    );

    let rows = objects(&converted.catalog_jsonl);
    let known: std::collections::HashSet<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!((known.len() as u64, rows.len() as u64), (report.products, report.products));
    let heart = rows.iter().find(|row| row["id"] == "85123A").expect("the best-known product is there");
    assert_eq!(heart["title"], "White Hanging Heart T-Light Holder");

    let events = objects(&converted.events_jsonl);
    assert_eq!(events.len() as u64, report.events);
    let ids: std::collections::HashSet<&str> = events.iter().filter_map(|e| e["event_id"].as_str()).collect();
    assert_eq!(ids.len(), events.len());
    let items = || events.iter().filter_map(|e| e["items"].as_array());
    assert!(items().all(|items| (1..=200).contains(&items.len())));
    assert!(items().flatten().all(|item| item["item_id"].as_str().is_some_and(|id| known.contains(id))));
    assert!(events.is_sorted_by_key(|e| e["event_time"].as_str()));
    let last = events.last().and_then(|e| e["event_time"].as_str());
    assert!(last.is_some_and(|time| time.starts_with("2025-06-10T")), "{last:?}");
}
