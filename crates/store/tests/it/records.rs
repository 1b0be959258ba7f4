//! The bytes of records. When one of these changes, data directories that are out there can no longer be read: raise
//! `RECORD_VERSION`, keep the old shape for reading, and add the new bytes here.

use crate::samples::{START, open, read_all};
use bespoke_domain::challenge::{Challenge, Stage, Step};
use bespoke_domain::condition::{Is, Test};
use bespoke_domain::consent::{Consent, Purpose, Statement};
use bespoke_domain::content::{Bandit, Block, Draw, Trait};
use bespoke_domain::decision::{
    Candidate, Considered, Decision, Fallback, Personalization, Reason, Request, Slot, Versions,
};
use bespoke_domain::entry::{Delivery, ImportMark, ModelChange};
use bespoke_domain::event::{Details, Device, Event, EventItem, EventKind, KINDS, PAGE_TYPES, PageType};
use bespoke_domain::experiment::{Analysis, Arm, ArmUse, Design, Experiment, Guardrail, Holdout, Team, Unit};
use bespoke_domain::id::ArtifactId;
use bespoke_domain::product::{AVAILABILITIES, Availability, Content, ProductPatch};
use bespoke_domain::search::{Basis, Choice, Met, QueryVector, Refinement, Search, Sort, Understood};
use bespoke_domain::settings::{
    Attribution, Canonical, Clutter, Diversity, Explore, FilterUse, Form, KeyChange, Language, ModelUse,
    Objective, OnThin, Placement, Rule, Scope, ScorerUse, SearchSettings, Segment, Sensitivity, Settings,
    Shop, Shows, SourceUse, Synonym, WatchSettings,
};
use bespoke_domain::{
    BlockNo, Body, CategoryNo, Condition, Currency, DecisionId, Entry, Millis, Money, Offset, ProductNo,
    ShopperNo,
};
use bespoke_store::{RECORD_VERSION, Store};
use expect_test::{Expect, expect};
use serde::Serialize;

/// What the store writes for `bodies`, in hexadecimal digits; each body comes back as it was.
fn written(bodies: &[Body]) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let entry = |body: &Body| Entry { received: Millis(START), shopper: None, body: body.clone() };
    let entries: Vec<Entry> = bodies.iter().map(entry).collect();
    store.append(&entries, &[]).unwrap();
    assert_eq!(read_all(store.reader().unwrap().as_ref()), entries);
    let log = rusqlite::Connection::open(directory.path().join("log.sqlite")).unwrap();
    let mut select = log.prepare("SELECT lower(hex(body)) FROM entry ORDER BY offset").unwrap();
    select.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Compares what is written for `body` with the golden digits, broken into lines.
fn check(body: Body, golden: &Expect) {
    let digits = &written(&[body])[0];
    let lines: Vec<&str> =
        digits.as_bytes().chunks(96).map(|line| std::str::from_utf8(line).unwrap()).collect();
    golden.assert_eq(&lines.join("\n"));
}

fn eur() -> Currency {
    Currency::parse("EUR").unwrap()
}

fn money(minor: i64) -> Money {
    Money { minor, currency: eur() }
}

fn text(text: &str) -> Option<Box<str>> {
    Some(text.into())
}

#[test]
fn a_change_of_these_bytes_needs_a_new_record_version() {
    assert_eq!(RECORD_VERSION, 1);
    let samples = samples();
    assert!(
        samples.iter().map(Body::kind_no).eq(1..=8),
        "each kind has a sample, in the order of their numbers"
    );
    for body in samples {
        let golden = golden(&body);
        check(body, &golden);
    }
}

/// One body of each kind, every field told apart from its neighbours. Fields are all named, so that a new one stands here.
fn samples() -> [Body; 8] {
    [
        Body::Event(Box::new(event())),
        Body::Catalog(Box::new(patch())),
        Body::Settings(Box::new(settings())),
        Body::Key(KeyChange { hash: [0x5a; 32], scope: Scope::Secret, revoked: true }),
        Body::Decision(Box::new(decision())),
        Body::Import(ImportMark::Ends),
        Body::Model(ModelChange { name: "slim".to_owned(), artifact: Some(ArtifactId(7)) }),
        Body::Delivery(Delivery { change: 300 }),
    ]
}

fn event() -> Event {
    let details = Details {
        transaction_id: text("order-1"),
        search_term: text("red mug"),
        value: Some(money(4_999)),
        tax_minor: Some(798),
        shipping_minor: Some(-490),
        coupon: text("SPRING"),
        custom: text("x_gift"),
        rating: Some(4.5),
        reason: text("late"),
        outcome: text("refunded"),
        channel: text("mail"),
        message: text("m-1"),
        result_count: Some(41),
        placement: text("home_hero"),
        promotion: text("summer"),
        creative_slot: text("hero-1"),
        path: text("/mugs"),
        ext: text("{\"a\":1}"),
    };
    Event {
        key: 0x0123_4567_89ab_cdef,
        kind: EventKind::Purchase,
        time: Millis(1_780_000_000_123),
        session: 0xfedc_ba98,
        consent: Consent::DENIED.with(Purpose::Personalization, true),
        statement: Statement::default().with(Purpose::Marketing, false).with(Purpose::Analytics, true),
        link: Some(ShopperNo(300)),
        buckets: (0x1111_2222, 0x3333),
        page: PageType::Confirmation,
        visible: true,
        currency: Some(eur()),
        items: vec![EventItem {
            item_id: "SKU-1".to_owned(),
            quantity: 2,
            price_minor: Some(2_500),
            index: Some(9),
            ext: text("{\"b\":2}"),
        }],
        decision: Some(DecisionId(0x019f_0000_0000_7000_8000_0000_0000_0001)),
        bot: 60,
        device: Device::Tablet,
        details: Some(Box::new(details)),
    }
}

fn patch() -> ProductPatch {
    let content = Content {
        title: "Mug".to_owned(),
        description: "A red mug.".to_owned(),
        link: "https://shop.example/mug".to_owned(),
        image_link: "https://shop.example/mug.jpg".to_owned(),
        brand: "Potter".to_owned(),
        item_group_id: "MUG".to_owned(),
        categories: vec!["Home > Mugs".to_owned(), "Sale".to_owned()],
        cost: Some(money(700)),
        published_at: Some(Millis(1_770_000_000_000)),
        expires_at: Some(Millis(1_790_000_000_000)),
        hidden: true,
        rating: Some((4.5, 120)),
        attributes: vec![("color".to_owned(), "red".to_owned())],
    };
    ProductPatch {
        id: "SKU-1".to_owned(),
        as_of: Millis(1_780_000_000_000),
        price: Some(money(1_599)),
        sale_price: Some(Some(money(1_299))),
        availability: Some(Availability::Backorder),
        stock: Some(17),
        content: Some(Box::new(content)),
        vector: Some(Box::new([0.5, -1.0])),
    }
}

fn settings() -> Settings {
    let read = what_a_file_says();
    Settings { file: Some(Box::new(read.clone())), ..read }
}

fn what_a_file_says() -> Settings {
    let shop = Shop {
        currency: eur(),
        time_zone: "Europe/Berlin".to_owned(),
        unknown_consent_granted: true,
        sensitive_categories: vec!["Health".to_owned()],
        clock: vec![(Millis(1_780_000_000_000), 60)],
    };
    let segments = vec![Segment { name: "new".to_owned(), condition: condition() }];
    Settings {
        shop,
        placements: vec![placement()],
        content: vec![block()],
        segments,
        clutter: vec![Clutter { page: Some(PageType::Product), modules: 4, items: 40 }],
        canonical: vec![Canonical {
            attribute: "color".to_owned(),
            values: vec![("navy".to_owned(), "blue".to_owned())],
        }],
        models: vec![ModelUse { model: "als".to_owned(), params: vec![("factors".to_owned(), 128.0)] }],
        search: search_settings(),
        holdout: Holdout { share: 300 },
        attribution: Attribution { click_days: 5, view_days: 2, any_product: true },
        experiments: vec![experiment()],
        challenges: vec![challenge(placement())],
        watch: watch(),
        file: None,
    }
}

fn placement() -> Placement {
    Placement {
        name: "home_hero".to_owned(),
        headline: "For you".to_owned(),
        fallback_headline: "Popular".to_owned(),
        form: Form::Listing,
        rollout: 50,
        shows: Shows::Categories,
        slots: 12,
        min_evidence: 4,
        on_thin: OnThin::Hide,
        sources: vec![SourceUse {
            source: "popular".to_owned(),
            weight: 0.5,
            limit: 200,
            items: vec!["SKU-9".to_owned()],
            params: vec![("half_life_days".to_owned(), 7.0)],
        }],
        scorers: vec![ScorerUse { scorer: "margin".to_owned(), weight: 0.25 }],
        filters: vec![FilterUse { filter: "available".to_owned(), params: vec![("x".to_owned(), -1.0)] }],
        diversity: Diversity { max_per_category: 3, max_per_brand: 2 },
        rules: vec![Rule {
            name: "spring".to_owned(),
            rule: "pin".to_owned(),
            items: vec!["SKU-1".to_owned()],
            categories: vec!["Sale".to_owned()],
            filter: Some(condition()),
            when: Some(Condition::Not(Box::new(condition()))),
            position: 1,
            factor: 1.5,
            slots: 2,
            from: Some(Millis(5)),
            until: Some(Millis(6)),
            author: "Ann".to_owned(),
            note: "Spring sale".to_owned(),
        }],
        objective: Some(objective()),
        explore: Explore { share: 500, among: 10 },
        bandit: Some(Bandit {
            floor: 0.03,
            window_min: 45,
            half_life_days: 14.0,
            by: vec![Trait::Returning, Trait::HighIntent],
        }),
    }
}

fn block() -> Block {
    Block {
        name: "summer".to_owned(),
        placements: vec!["home_banner".to_owned()],
        title: "Summer".to_owned(),
        text: "Half price".to_owned(),
        image: "/summer.jpg".to_owned(),
        link: "/summer".to_owned(),
        markets: vec!["DE".to_owned()],
        when: Some(condition()),
        from: Some(Millis(7)),
        until: Some(Millis(8)),
    }
}

fn watch() -> WatchSettings {
    WatchSettings {
        off: vec!["gini".to_owned()],
        sensitivity: Sensitivity::High,
        webhook: "https://a.example".to_owned(),
    }
}

fn objective() -> Objective {
    Objective {
        name: "profit-1".to_owned(),
        click: 0.1,
        cart: 0.25,
        buy: 1.0,
        returned: -0.5,
        margin: 2.0,
        stock: 0.125,
        rows: 60,
    }
}

fn experiment() -> Experiment {
    let uses = vec![("home_hero".to_owned(), "home_new".to_owned())];
    let arms = vec![
        ArmUse { name: "control".to_owned(), share: 5_000, ..ArmUse::default() },
        ArmUse { name: "new".to_owned(), share: 5_000, uses, is_external: true },
    ];
    Experiment {
        name: "hero".to_owned(),
        design: Design::Interleaving,
        unit: Unit::Switchback(60),
        burn_in: 10,
        layer: "home".to_owned(),
        slice: (0, 8_000),
        placements: vec!["home_hero".to_owned()],
        arms,
        metric: "revenue".to_owned(),
        guardrails: vec![Guardrail { metric: "return_rate".to_owned(), margin: 0.25 }],
        analysis: Analysis::FixedHorizon,
        effect: 0.03,
        days: 21,
        planned_units: 40_000,
        cap: 500.0,
        covariate: "before_acts".to_owned(),
        from: Some(Millis(1_780_000_000_000)),
        until: Some(Millis(1_790_000_000_000)),
        is_stopped: true,
        stopped_for: "Harm".to_owned(),
        rolls_back: true,
    }
}

fn challenge(before: Placement) -> Challenge {
    let step = Step {
        at: Millis(1_780_000_000_000),
        from: Stage::Test,
        to: Stage::Promoted,
        why: "Win".to_owned(),
        evidence: vec![("change".to_owned(), 0.05)],
    };
    Challenge {
        name: "newer".to_owned(),
        champion: "home_hero".to_owned(),
        challenger: "home_new".to_owned(),
        metric: "margin".to_owned(),
        guardrails: vec![Guardrail { metric: "return_rate".to_owned(), margin: 0.25 }],
        effect: 0.02,
        covariate: "before_acts".to_owned(),
        shadow_requests: 1_000,
        canary: 500,
        canary_hours: 24,
        days: 14,
        planned_units: 9_000,
        stage: Stage::Promoted,
        since: Millis(1_780_000_000_000),
        steps: vec![step],
        before: Some(Box::new(before)),
    }
}

fn search_settings() -> SearchSettings {
    let synonym = Synonym { from: vec!["trainers".to_owned()], to: vec!["running shoes".to_owned()] };
    SearchSettings { language: Language::German, synonyms: vec![synonym], facets: vec!["size".to_owned()] }
}

fn condition() -> Condition {
    let test = |field: &str, is| Condition::Test(Test { field: field.to_owned(), is });
    let price = Is::Within { least: 1.0, most: 2.0, above: true, below: false };
    Condition::Any(vec![
        Condition::All(vec![test("price", price), test("sale", Is::There)]),
        test("brand", Is::OneOf(vec!["A".to_owned()])),
    ])
}

fn request() -> Request {
    Request {
        id: DecisionId(0x019f_0000_0000_7000_8000_0000_0000_0002),
        now: Millis(1_780_000_000_500),
        placement: "home_hero".to_owned(),
        shopper: Some(ShopperNo(77)),
        bucket: 0x4444_5555,
        session: 0x66,
        page: PageType::Product,
        items: vec!["SKU-1".to_owned()],
        category: Some("Home".to_owned()),
        cart: vec!["SKU-2".to_owned()],
        exclude: vec!["SKU-3".to_owned()],
        given: vec!["SKU-5".to_owned()],
        follows: Some((DecisionId(9), 24)),
        filter: Some(condition()),
        market: "DE".to_owned(),
        locale: "de-AT".to_owned(),
        room: Some(12),
        utc_offset_min: -90,
        slots: 8,
        explain: true,
        search: Some(Box::new(Search {
            text: "red mug".to_owned(),
            refinements: vec![Refinement {
                facet: "color".to_owned(),
                choice: Choice::Values(vec!["red".to_owned()]),
            }],
            sort: Sort::PriceUp,
            literal: true,
            as_words: vec!["apple".to_owned()],
            from: 24,
            vector: Some(QueryVector { model: "b3".to_owned(), bytes: vec![-127, 0, 5] }),
            facets: Some(vec!["brand".to_owned()]),
            after: Some(DecisionId(9)),
            shown: vec!["SKU-6".to_owned()],
        })),
        skipped: vec!["co_viewed".to_owned()],
        bot: 60,
    }
}

fn understood() -> Understood {
    Understood {
        text: "under 50".to_owned(),
        about: "price".to_owned(),
        value: String::new(),
        bounds: (None, Some(50.0)),
        is_filter: true,
        confidence: 0.75,
        basis: Basis::Clicks,
    }
}

fn decision() -> Decision {
    let reason = Reason {
        code: "co_viewed".to_owned(),
        text: "Because you looked at Mug".to_owned(),
        based_on: vec![ProductNo(3)],
        personal: true,
    };
    let slot = Slot {
        candidate: Candidate::Product(ProductNo(4)),
        score: 0.75,
        parts: vec![(1, 0.25)],
        reason,
        placed_by: Some("spring".to_owned()),
        moved_by: vec!["summer".to_owned()],
        probability: 0.125,
        team: Some(Team::Treated),
        foreseen: vec![0.5, 0.25, 0.125, 0.0],
        features: vec![0x3f80, 0x7fc0],
    };
    let considered = Considered {
        candidate: Candidate::Category(CategoryNo(5)),
        score: -1.5,
        parts: vec![(0, 2.0)],
        removed_by: Some("diversity".to_owned()),
    };
    Decision {
        request: request(),
        versions: Versions {
            snapshot_offset: Offset(1_000),
            profile_offset: Offset(1_001),
            settings_offset: Offset(9),
            engine: "0.1.0".to_owned(),
            models: vec![("slim".to_owned(), ArtifactId(5))],
        },
        arms: vec![Arm { experiment: "hero".to_owned(), epoch: 2, arm: "new".to_owned() }],
        headline: "For you".to_owned(),
        slate: vec![slot],
        personalization: Personalization::Full,
        fallback: Fallback::Hidden,
        draw: Some(Box::new(Draw {
            placement: "home_banner".to_owned(),
            part: 2,
            chances: vec![(BlockNo(3), 0.75), (BlockNo(5), 0.25)],
        })),
        sources: vec![("popular".to_owned(), 40)],
        scorers: vec!["margin".to_owned()],
        objective: "profit-1".to_owned(),
        feature_set: 77,
        candidate_count: 41,
        removed: vec![("available".to_owned(), 6)],
        missing_ids: vec!["SKU-9".to_owned()],
        met: Some(Box::new(Met {
            total: 3,
            corrected: "red mug".to_owned(),
            given_up: vec!["old".to_owned()],
            unknown: vec!["xyzzy".to_owned()],
            understood: vec![understood()],
            vectors: "text_vectors".to_owned(),
            by_meaning: 2,
            facets: vec!["brand".to_owned()],
        })),
        rest: vec![Candidate::Content(BlockNo(6))],
        considered: Some(vec![considered]),
    }
}

/// The golden bytes of a sample. A kind that is added to the log does not compile here until it has some.
fn golden(body: &Body) -> Expect {
    match body {
        Body::Event(_) => expect![[r#"
            0100ef9bafcdf8acd191010df6a1a484ce6798f5f2f60f02010401ac02a2c4c48801b366060301014555520105534b55
            2d3102018827010901077b2262223a327d0181808080808080808081c083808080809f033c0101076f726465722d3101
            07726564206d75670129018e4e45555201bc0c01d3070106535052494e470106785f676966740109686f6d655f686572
            6f010673756d6d657201066865726f2d3101052f6d756773010000904001046c6174650108726566756e64656401046d
            61696c01036d2d3101077b2261223a317d"#]],
        Body::Catalog(_) => expect![[r#"
            010105534b552d3180a0a484ce6701fe184555520101a6144555520103011101034d75670a4120726564206d75672e18
            68747470733a2f2f73686f702e6578616d706c652f6d75671c68747470733a2f2f73686f702e6578616d706c652f6d75
            672e6a706706506f74746572034d5547020b486f6d65203e204d7567730453616c6501f80a455552018090c5c3836701
            80b083c59868010100009040780105636f6c6f720372656401020000003f000080bf"#]],
        Body::Settings(_) => golden_settings(),
        Body::Key(_) => expect!["01035a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a0101"],
        Body::Decision(_) => expect![[r#"
            010482808080808080808081c083808080809f03e8a7a484ce6709686f6d655f6865726f014dd5aa91a2046602010553
            4b552d310104486f6d650105534b552d320105534b552d330105534b552d350109180101020002030570726963650100
            0000000000f03f00000000000000400100030473616c650203056272616e64000101410244450564652d4154010cb301
            08010107726564206d75670105636f6c6f72000103726564010101056170706c65180102623303810005010105627261
            6e6401090105534b552d360109636f5f7669657765643ce807e9070905302e312e300104736c696d0501046865726f02
            036e657707466f7220796f750100040000403f01010000803e09636f5f766965776564194265636175736520796f7520
            6c6f6f6b6564206174204d75670103010106737072696e67010673756d6d65720000003e0101040000003f0000803e00
            00003e0000000002807fc0ff010202010b686f6d655f62616e6e65720202030000403f050000803e0107706f70756c61
            722801066d617267696e0870726f6669742d314d290109617661696c61626c65060105534b552d39010307726564206d
            756701036f6c64010578797a7a790108756e6465722035300570726963650000010000000000004940010000403f020c
            746578745f766563746f72730201056272616e64010206010101050000c0bf0100000000400109646976657273697479"#]],
        Body::Import(_) => expect!["010501"],
        Body::Model(_) => expect!["010604736c696d0107"],
        Body::Delivery(_) => expect!["0107ac02"],
    }
}

fn golden_settings() -> Expect {
    expect![[r#"
        01024555520d4575726f70652f4265726c696e0101064865616c74680180a0a484ce67780109686f6d655f6865726f07
        466f7220796f7507506f70756c61720101320c04010107706f70756c61720000003fc8010105534b552d39010e68616c
        665f6c6966655f646179730000000000001c4001066d617267696e0000803e0109617661696c61626c65010178000000
        000000f0bf03020106737072696e670370696e0105534b552d31010453616c6501010200020305707269636501000000
        000000f03f00000000000000400100030473616c650203056272616e6400010141010201020002030570726963650100
        0000000000f03f00000000000000400100030473616c650203056272616e6400010141010000c03f02010a010c03416e
        6e0b537072696e672073616c65010870726f6669742d31cdcccc3d0000803e0000803f000000bf000000400000003e3c
        01b81e85eb51b89e3f2d0000000000002c40020001f4030a010673756d6d6572010b686f6d655f62616e6e6572065375
        6d6d65720a48616c662070726963650b2f73756d6d65722e6a7067072f73756d6d657201024445010102000203057072
        69636501000000000000f03f00000000000000400100030473616c650203056272616e6400010141010e011001036e65
        77010200020305707269636501000000000000f03f00000000000000400100030473616c650203056272616e64000101
        4101010204280105636f6c6f7201046e61767904626c75650103616c730107666163746f727300000000000060400101
        0108747261696e657273010d72756e6e696e672073686f6573010473697a65ac0205020101046865726f01033c0a0468
        6f6d6500c03e0109686f6d655f6865726f0207636f6e74726f6c88270000036e657788270109686f6d655f6865726f08
        686f6d655f6e65770107726576656e7565010b72657475726e5f72617465000000000000d03f01b81e85eb51b89e3f15
        c0b8020000000000407f400b6265666f72655f616374730180a0a484ce670180b083c5986801044861726d0101056e65
        77657209686f6d655f6865726f08686f6d655f6e6577066d617267696e010b72657475726e5f72617465000000000000
        d03f7b14ae47e17a943f0b6265666f72655f61637473e807f403180ea8460480a0a484ce670180a0a484ce6703040357
        696e01066368616e67659a9999999999a93f0109686f6d655f6865726f07466f7220796f7507506f70756c6172010132
        0c04010107706f70756c61720000003fc8010105534b552d39010e68616c665f6c6966655f646179730000000000001c
        4001066d617267696e0000803e0109617661696c61626c65010178000000000000f0bf03020106737072696e67037069
        6e0105534b552d31010453616c6501010200020305707269636501000000000000f03f00000000000000400100030473
        616c650203056272616e64000101410102010200020305707269636501000000000000f03f0000000000000040010003
        0473616c650203056272616e6400010141010000c03f02010a010c03416e6e0b537072696e672073616c65010870726f
        6669742d31cdcccc3d0000803e0000803f000000bf000000400000003e3c01b81e85eb51b89e3f2d0000000000002c40
        020001f4030a010467696e69021168747470733a2f2f612e6578616d706c65014555520d4575726f70652f4265726c69
        6e0101064865616c74680180a0a484ce67780109686f6d655f6865726f07466f7220796f7507506f70756c6172010132
        0c04010107706f70756c61720000003fc8010105534b552d39010e68616c665f6c6966655f646179730000000000001c
        4001066d617267696e0000803e0109617661696c61626c65010178000000000000f0bf03020106737072696e67037069
        6e0105534b552d31010453616c6501010200020305707269636501000000000000f03f00000000000000400100030473
        616c650203056272616e64000101410102010200020305707269636501000000000000f03f0000000000000040010003
        0473616c650203056272616e6400010141010000c03f02010a010c03416e6e0b537072696e672073616c65010870726f
        6669742d31cdcccc3d0000803e0000803f000000bf000000400000003e3c01b81e85eb51b89e3f2d0000000000002c40
        020001f4030a010673756d6d6572010b686f6d655f62616e6e65720653756d6d65720a48616c662070726963650b2f73
        756d6d65722e6a7067072f73756d6d65720102444501010200020305707269636501000000000000f03f000000000000
        00400100030473616c650203056272616e6400010141010e011001036e65770102000203057072696365010000000000
        00f03f00000000000000400100030473616c650203056272616e640001014101010204280105636f6c6f7201046e6176
        7904626c75650103616c730107666163746f7273000000000000604001010108747261696e657273010d72756e6e696e
        672073686f6573010473697a65ac0205020101046865726f01033c0a04686f6d6500c03e0109686f6d655f6865726f02
        07636f6e74726f6c88270000036e657788270109686f6d655f6865726f08686f6d655f6e65770107726576656e756501
        0b72657475726e5f72617465000000000000d03f01b81e85eb51b89e3f15c0b8020000000000407f400b6265666f7265
        5f616374730180a0a484ce670180b083c5986801044861726d0101056e6577657209686f6d655f6865726f08686f6d65
        5f6e6577066d617267696e010b72657475726e5f72617465000000000000d03f7b14ae47e17a943f0b6265666f72655f
        61637473e807f403180ea8460480a0a484ce670180a0a484ce6703040357696e01066368616e67659a9999999999a93f
        0109686f6d655f6865726f07466f7220796f7507506f70756c61720101320c04010107706f70756c61720000003fc801
        0105534b552d39010e68616c665f6c6966655f646179730000000000001c4001066d617267696e0000803e0109617661
        696c61626c65010178000000000000f0bf03020106737072696e670370696e0105534b552d31010453616c6501010200
        020305707269636501000000000000f03f00000000000000400100030473616c650203056272616e6400010141010201
        0200020305707269636501000000000000f03f00000000000000400100030473616c650203056272616e640001014101
        0000c03f02010a010c03416e6e0b537072696e672073616c65010870726f6669742d31cdcccc3d0000803e0000803f00
        0000bf000000400000003e3c01b81e85eb51b89e3f2d0000000000002c40020001f4030a010467696e69021168747470
        733a2f2f612e6578616d706c6500"#]]
}

/// The numbers that stand for named values: a name may be added at the end, none may move.
#[test]
#[allow(clippy::too_many_lines, reason = "a list of names")]
fn the_numbers_of_named_values_stay_as_they_are() {
    use {Fallback as F, Personalization as P};
    let table = [
        numbers("event", KINDS.iter().map(|spec| (spec.name, spec.kind))),
        numbers("page", PAGE_TYPES.iter().map(|(page, name)| (*name, *page))),
        numbers("availability", AVAILABILITIES.iter().map(|(value, name)| (*name, *value))),
        numbers("scope", [("publishable", Scope::Publishable), ("secret", Scope::Secret)]),
        numbers(
            "shows",
            [("products", Shows::Products), ("categories", Shows::Categories), ("content", Shows::Content)],
        ),
        numbers("on_thin", [("relabel", OnThin::Relabel), ("hide", OnThin::Hide)]),
        numbers("personalization", [("none", P::None), ("session", P::Session), ("full", P::Full)]),
        numbers(
            "fallback",
            [
                ("none", F::None),
                ("popular", F::Popular),
                ("hidden", F::Hidden),
                ("off", F::Off),
                ("clutter", F::Clutter),
            ],
        ),
        numbers("import", [("begins", ImportMark::Begins), ("ends", ImportMark::Ends)]),
    ];
    expect![[r#"
        event
          page_view [0]
          view_item [1]
          view_item_list [2]
          select_item [3]
          search [4]
          view_search_results [5]
          add_to_cart [6]
          remove_from_cart [7]
          view_cart [8]
          add_to_wishlist [9]
          begin_checkout [10]
          add_shipping_info [11]
          add_payment_info [12]
          purchase [13]
          refund [14]
          view_promotion [15]
          select_promotion [16]
          login [17]
          sign_up [18]
          share [19]
          consent_update [20]
          x_* [21]
          remove_from_wishlist [22]
          rate_item [23]
          dismiss_item [24]
          filter_applied [25]
          support_contact [26]
          identify [27]
          message_sent [28]
          message_opened [29]
          message_clicked [30]
          message_converted [31]
          message_bounced [32]
          message_unsubscribed [33]
        page
          home [0]
          category [1]
          product [2]
          search [3]
          cart [4]
          checkout [5]
          confirmation [6]
          account [7]
          other [8]
        availability
          in_stock [0]
          out_of_stock [1]
          preorder [2]
          backorder [3]
        scope
          publishable [0]
          secret [1]
        shows
          products [0]
          categories [1]
          content [2]
        on_thin
          relabel [0]
          hide [1]
        personalization
          none [0]
          session [1]
          full [2]
        fallback
          none [0]
          popular [1]
          hidden [2]
          off [3]
          clutter [4]
        import
          begins [0]
          ends [1]
    "#]]
    .assert_eq(&table.concat());
}

fn numbers<T: Serialize>(title: &str, values: impl IntoIterator<Item = (&'static str, T)>) -> String {
    let number = |(name, value)| format!("  {name} {:?}\n", postcard::to_allocvec(&value).unwrap());
    format!("{title}\n{}", values.into_iter().map(number).collect::<String>())
}
