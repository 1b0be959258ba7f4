//! Inputs from which the fuzzer starts: each is taken whole by its target, so that a changed byte gets past the first check.

use crate::{NOW, TOKEN_SECRET};
use bespoke::wire::catalog::parse_patches;
use bespoke::wire::event::parse_events;
use bespoke::wire::token;
use bespoke::{demo, placements};
use bespoke_domain::settings::{KeyChange, LANGUAGES, Language, Scope};
use bespoke_domain::{Body, Currency, DecisionId, Entry, Offset, ProductNo, Request, ShopperNo};
use bespoke_engine::{Engine, shelf};
use bespoke_models::interactions::Interactions;
use bespoke_models::learned::LEARNED;
use bespoke_models::orders::Orders;
use bespoke_models::recommender::FitRun;
use bespoke_models::training_set::{Texts, TrainingSet};
use bespoke_store::RECORD_VERSION;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

const EVENTS: [&str; 6] = [
    r#"{"event":"view_item","anonymous_id":"a","items":[{"item_id":"p1","price":"9.99","index":3,"item_list_id":"home"}],"currency":"EUR"}"#,
    r#"[{"event":"page_view","user_id":"u","session_id":"s"},{"event":"search","anonymous_id":"b","search_term":"mug","result_count":0}]"#,
    "{\"event\":\"view_item\",\"anonymous_id\":\"a\",\"items\":[{\"item_id\":\"p2\"}]}\n{\"event\":\"add_to_cart\",\"anonymous_id\":\"a\",\"items\":[{\"item_id\":\"p2\",\"quantity\":2}]}\n",
    r#"{"event":"purchase","event_id":"e-1","event_time":"2025-10-09T08:53:20Z","anonymous_id":"a","ecommerce":{"currency":"EUR","transaction_id":"t","value":30,"tax":1.5,"coupon":"X","items":[{"item_id":1,"quantity":3,"price":9.99},{"item_id":"p2","price":"10.5"}]}}"#,
    r#"{"event":"consent_update","user_id":"u","consent":{"analytics":"granted","personalization":"denied","marketing":"unknown"}}"#,
    r#"{"event":"x_custom","anonymous_id":"a","event_time":1760000000000,"rec_token":"rt_AAAA","more":{"deep":[1,2,{"x":null}]},"bot_score":0.5}"#,
];

const PATCHES: [&str; 3] = [
    r#"{"id":"p1","title":"Mug","brand":"Acme","price":"9.99 EUR","sale_price":"7.50 EUR","cost_of_goods_sold":"3 EUR","availability":"in_stock","stock":7,"categories":["Home > Kitchen"],"item_group_id":"g1","link":"https://shop.example/p1","image_link":"https://shop.example/p1.jpg","published_at":"2025-01-01T00:00:00Z","color":"red"}"#,
    r#"{"items":[{"id":"p2","stock":0},{"id":"p3","price":12,"as_of":"2025-10-09T08:53:20Z"}],"as_of":1760000000000}"#,
    "{\"id\":\"p1\",\"stock\":1}\n{\"id\":\"p2\",\"published\":false,\"sale_price\":null}\n",
];

/// Products with what queries may name.
const SOLD: [&str; 1] = [
    r#"[{"id":"h1","title":"Sony WH-1000XM3 Bluetooth Headphones","brand":"Sony","price":"249 EUR","availability":"in_stock","categories":["Audio > Headphones"],"color":"black","memory":"16 GB"},{"id":"h2","title":"Kaffeemaschine 1,5 l","brand":"Krups","price":"49.90 EUR","availability":"in_stock","categories":["K\u00fcche > Maschinen"],"color":"rot"},{"id":"h3","title":"Tasse rouge 1/2 inch","brand":"Acme","price":"5 EUR","availability":"in_stock","categories":["Home > Kitchen"],"item_group_id":"g1","color":"red"}]"#,
];

fn owned(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

pub(crate) fn events() -> Vec<Vec<u8>> {
    owned(&EVENTS)
}

pub(crate) fn patches() -> Vec<Vec<u8>> {
    owned(&PATCHES)
}

pub(crate) fn recommend() -> Vec<Vec<u8>> {
    owned(&[
        r#"{"placement":"home","anonymous_id":"a"}"#,
        r#"{"placement":"home","ids":["a","b"]}"#,
        r#"{"placements":[{"placement":"home","n":3},{"placement":"cart"}],"anonymous_id":"a"}"#,
        "item_ids=a%2Cb,c&n=3&filter=price%3C5&page_type=product&key=pk_1",
        r#"{"placement":"product_related","user_id":"u","n":12,"explain":true,"exclude_ids":["p9"],"filter":"price < 5 OR brand:acme","context":{"page_type":"product","item_ids":["p1"],"category_path":"Home > Kitchen","cart_item_ids":["p2"]}}"#,
    ])
}

pub(crate) fn condition() -> Vec<Vec<u8>> {
    owned(&[
        "price < 50 AND brand IN ['A', \"b''c\"] AND NOT (category:'Sale > Old' OR size >= 4.5 OR color EXISTS)",
    ])
}

pub(crate) fn rec_token() -> Vec<Vec<u8>> {
    vec![token::make(&TOKEN_SECRET, DecisionId(99), NOW).into_bytes()]
}

pub(crate) fn decision_id() -> Vec<Vec<u8>> {
    vec![DecisionId(u128::MAX / 3).to_string().into_bytes()]
}

pub(crate) fn events_csv() -> Vec<Vec<u8>> {
    owned(&[
        "event,event_id,event_time,anonymous_id,item_id,price,currency\nview_item,1,2025-10-09T08:53:20Z,a,p1,9.99,EUR\nview_item,1,2025-10-09T08:53:20Z,a,\"p\"\"2\",1,EUR\npage_view,2,,b,,,\n",
    ])
}

pub(crate) fn catalog_csv() -> Vec<Vec<u8>> {
    owned(&[
        "id,title,price,availability,categories,color\np1,\"Mug, red\",9.99 EUR,in_stock,Home > Kitchen,red\np2,Plate,12,out_of_stock,,\n",
    ])
}

pub(crate) fn catalog_tsv() -> Vec<Vec<u8>> {
    catalog_csv()
        .into_iter()
        .map(|text| text.into_iter().map(|byte| if byte == b',' { b'\t' } else { byte }).collect())
        .collect()
}

pub(crate) fn catalog_xml() -> Vec<Vec<u8>> {
    owned(&[
        "<?xml version=\"1.0\"?><rss xmlns:g=\"http://base.google.com/ns/1.0\"><channel><item><g:id>a</g:id><title>Mug &amp; &#x41;</title>\n<g:price>9.99 EUR</g:price><g:shipping><g:country>DE</g:country></g:shipping><description><![CDATA[<b>]]></description></item></channel></rss>",
        "<feed><entry><id>b</id><title>Plate</title></entry></feed>",
    ])
}

pub(crate) fn placements() -> Vec<Vec<u8>> {
    owned(&[placements::DEFAULT, demo::PLACEMENTS])
}

pub(crate) fn order_lines() -> Vec<Vec<u8>> {
    owned(&[
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n536366,POST,POSTAGE,1,2010-12-01 08:26:00,18.0,17850,United Kingdom\n536368,85123A,damaged,-7,2010-12-02 09:00:00,0.0,,United Kingdom\nC53637,85123A,WHITE HANGING HEART T-LIGHT HOLDER,-1,2011-06-01 11:00:00,2.55,17850,France\n",
    ])
}

/// Gzipped, as the demo's file is.
pub(crate) fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

/// One of each kind of entry, and a decision made from them.
fn bodies() -> Vec<Body> {
    let patches = PATCHES.iter().flat_map(|text| parse_patches(text.as_bytes(), 500, Currency::EUR, NOW));
    let events = EVENTS.iter().flat_map(|text| parse_events(text.as_bytes(), 500));
    let mut bodies: Vec<Body> = placements::parse(placements::DEFAULT)
        .into_iter()
        .map(|settings| Body::Settings(Box::new(settings)))
        .collect();
    bodies.push(Body::Key(KeyChange { hash: [9; 32], scope: Scope::Secret, revoked: false }));
    bodies.extend(patches.flatten().flatten().map(|patch| Body::Catalog(Box::new(patch))));
    bodies.extend(events.flatten().flatten().map(|row| Body::Event(Box::new(row.event))));
    bodies
}

fn engine() -> (Engine, Vec<Body>) {
    let (mut engine, mut bodies) = (Engine::default(), bodies());
    for (offset, body) in (1..).zip(&bodies) {
        let entry = Entry { received: NOW, shopper: Some(ShopperNo(1)), body: body.clone() };
        engine.apply(Offset(offset), &entry);
    }
    engine.publish();
    let request = Request { placement: "home".to_owned(), now: NOW, explain: true, ..Request::default() };
    bodies.push(Body::Decision(Box::new(engine.live().decide(&request))));
    (engine, bodies)
}

pub(crate) fn record() -> Vec<Vec<u8>> {
    let (_, bodies) = engine();
    let bytes = |body: &Body| postcard::to_extend(body, vec![RECORD_VERSION]).unwrap_or_default();
    bodies.iter().map(bytes).collect()
}

pub(crate) fn checkpoint() -> Vec<Vec<u8>> {
    let state = |engine: Engine| {
        let mut bytes = Vec::new();
        _ = engine.checkpoint().write(&mut bytes);
        bytes
    };
    vec![state(Engine::default()), state(engine().0)]
}

/// Every model there is, of twelve shoppers and ten products.
pub(crate) fn artifacts() -> Vec<Vec<u8>> {
    let rows: Vec<Vec<ProductNo>> = (0..12_u32)
        .map(|shopper| (0..4).map(|step| ProductNo((shopper * 3 + step * (1 + shopper % 3)) % 10)).collect())
        .collect();
    let weights = |row: &Vec<ProductNo>| row.iter().map(|one| (*one, 1.0)).collect::<Vec<_>>();
    let data = TrainingSet {
        interactions: Interactions::new(rows.iter().map(weights)),
        orders: Orders::new(rows.iter().map(|row| row.chunks(2).map(<[_]>::to_vec).collect()).collect()),
        attributes: (0..10).map(|product| vec![product % 3, 7]).collect(),
        sequences: rows,
        texts: Some(Texts {
            words: ["mug", "red", "tea"].map(str::to_owned).to_vec(),
            texts: Interactions::new((0..10).map(|no| [(ProductNo(no % 3), 1.0), (ProductNo(no % 2), 2.0)])),
            asked: Interactions::new([[(ProductNo(2), 1.0)]]),
        }),
    };
    let run = FitRun { seed: 1, threads: 1 };
    LEARNED.iter().map(|spec| shelf::bytes(&(spec.fit)(&data, &spec.values(&[]), run))).collect()
}

/// A shop a language, with a few products.
pub(crate) fn shops() -> Vec<Engine> {
    let rows =
        PATCHES.iter().chain(&SOLD).flat_map(|text| parse_patches(text.as_bytes(), 500, Currency::EUR, NOW));
    let patches: Vec<Body> = rows.flatten().flatten().map(|patch| Body::Catalog(Box::new(patch))).collect();
    let shop = |language: Language| {
        let settings = placements::parse(placements::DEFAULT).ok().map(|mut settings| {
            settings.search.language = language;
            Body::Settings(Box::new(settings))
        });
        let mut engine = Engine::default();
        for (offset, body) in (1..).zip(settings.into_iter().chain(patches.clone())) {
            engine.apply(Offset(offset), &Entry { received: NOW, shopper: None, body });
        }
        engine.publish();
        engine
    };
    LANGUAGES.map(|(language, _)| shop(language)).into()
}

pub(crate) fn queries() -> Vec<Vec<u8>> {
    owned(&[
        "\0red mug under 50",
        "\0cheap headphones at least 16 GB without cable",
        "\0wh-1000xm3 1/2 inch 43.2 cm 1,000 pcs",
        "\u{1}kaffeemaschine ohne Kabel bis zweihundertf\u{fc}nfzig Euro",
        "\u{2}bijoux d'or entre 20 et 50 \u{20ac}",
        "\u{3}zapatos rojos de menos de 30",
        "\u{4}tazza da caff\u{e8}",
        "\u{5}glazen fietsen",
        "\0\u{1f600}\u{202e}mug\u{200b}\u{301} \u{6771}\u{4eac} \u{643}\u{648}\u{628}",
    ])
}

pub(crate) fn sessions() -> Vec<Vec<u8>> {
    owned(&["session\titems\n1\ta b c\n2\tb b\n"])
}
