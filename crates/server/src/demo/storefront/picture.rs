//! Pictures for products that have none: drawn from what the title and the category say, the same at every request.

use super::Site;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bespoke_domain::product::Content;
use maud::{Markup, PreEscaped, html};
use std::sync::Arc;

/// A shape on a field of 100 × 100, and the words of categories and titles that it stands for. The first that matches.
const SHAPES: &[(&str, &str)] = &[
    (
        "cake cakestand",
        r#"<path class="b" d="M34 44V32a16 8 0 0 1 32 0v12z"/><path d="M22 44h56l-5 8H27z"/><path class="l" d="M50 52v26"/><rect x="34" y="76" width="32" height="6" rx="3"/>"#,
    ),
    (
        "phone adapter",
        r#"<rect x="34" y="20" width="32" height="60" rx="5"/><rect class="b" x="38" y="27" width="24" height="42"/>"#,
    ),
    (
        "headphone speaker",
        r#"<path d="M26 58a24 24 0 0 1 48 0h-7a17 17 0 0 0-34 0z"/><rect x="24" y="54" width="12" height="22" rx="5"/><rect x="64" y="54" width="12" height="22" rx="5"/>"#,
    ),
    (
        "bag purse handbag backpack",
        r#"<path d="M26 42h48l5 38H21z"/><path class="l" d="M38 46V34a12 12 0 0 1 24 0v12"/>"#,
    ),
    (
        "christmas",
        r#"<path d="M50 16 68 42h-9l14 22H27l14-22h-9z"/><rect class="b" x="45" y="64" width="10" height="16"/>"#,
    ),
    (
        "jewel accessor belt tie",
        r#"<circle class="l" cx="50" cy="58" r="21"/><path d="m50 20 10 10-10 12-10-12z"/>"#,
    ),
    (
        "candle lighting lamp bulb",
        r#"<rect x="38" y="46" width="24" height="36" rx="3"/><path class="b" d="M50 18c9 11 8 17 0 23-8-6-9-12 0-23z"/>"#,
    ),
    (
        "kitchen dining coffee pan mug cutler",
        r#"<path d="M26 36h40v26a16 16 0 0 1-16 16h-8a16 16 0 0 1-16-16z"/><path class="l" d="M66 44h6a9 9 0 0 1 0 18h-6"/>"#,
    ),
    (
        "stationery card office desk printer",
        r#"<rect x="24" y="30" width="52" height="42" rx="3"/><path class="c" d="m26 33 24 20 24-20"/>"#,
    ),
    (
        "toy kid puzzle train doll pet",
        r#"<circle cx="36" cy="30" r="10"/><circle cx="64" cy="30" r="10"/><circle cx="50" cy="50" r="25"/><circle class="b" cx="50" cy="58" r="9"/>"#,
    ),
    (
        "party",
        r#"<path class="l" d="M16 28q34 20 68 0"/><path d="m20 31 16 6-6 16zM40 38h20L50 56zM80 31l-16 6 6 16z"/>"#,
    ),
    (
        "bath beauty cream perfume shaver",
        r#"<rect x="34" y="38" width="32" height="44" rx="7"/><rect class="b" x="43" y="22" width="14" height="14" rx="2"/>"#,
    ),
    (
        "garden planter soil",
        r#"<path d="M32 56h36l-5 26H37z"/><path class="b" d="M50 56c0-20-10-26-22-26 0 16 10 22 22 26zm0-6c2-18 12-24 24-24 0 16-12 22-24 24z"/>"#,
    ),
    (
        "storage organi box home sofa bed cushion",
        r#"<rect x="22" y="44" width="56" height="36" rx="3"/><rect class="b" x="18" y="32" width="64" height="14" rx="3"/>"#,
    ),
    (
        "women men coat dress shirt jacket",
        r#"<path d="m36 22 14 7 14-7 18 14-9 13-7-5v36H34V44l-7 5-9-13z"/>"#,
    ),
    (
        "sport bicycle helmet ball",
        r#"<circle cx="50" cy="50" r="29"/><path class="c" d="M21 50h58M50 21v58M30 30q20 20 40 0M30 70q20-20 40 0"/>"#,
    ),
    (
        "workshop drill saw hammer nail",
        r#"<rect x="26" y="24" width="48" height="18" rx="4"/><rect class="b" x="44" y="42" width="12" height="40" rx="3"/>"#,
    ),
    (
        "decoration heart",
        r#"<path d="M50 80C20 58 22 30 38 30c7 0 11 5 12 9 1-4 5-9 12-9 16 0 18 28-12 50z"/>"#,
    ),
];

const OTHER: &str = r#"<rect x="24" y="40" width="52" height="40" rx="3"/><path class="b" d="M46 40h8v40h-8z"/><path class="l" d="M50 40c-22-2-18-22 0 0 18-22 22-2 0 0z"/>"#;

/// Words for colours with their hue and saturation.
const COLOURS: &[(&str, u32, u32)] = &[
    ("retrospot", 355, 75),
    ("red", 355, 70),
    ("pink", 335, 65),
    ("rose", 340, 55),
    ("purple", 280, 45),
    ("lilac", 275, 40),
    ("blue", 215, 60),
    ("navy", 225, 50),
    ("turquoise", 178, 55),
    ("green", 130, 45),
    ("yellow", 46, 85),
    ("orange", 24, 80),
    ("brown", 24, 35),
    ("black", 220, 8),
    ("grey", 215, 8),
    ("silver", 210, 10),
    ("white", 40, 12),
    ("ivory", 45, 25),
    ("cream", 42, 35),
    ("gold", 42, 65),
];

/// Words for patterns with the mark that is repeated.
const PATTERNS: &[(&str, &str)] = &[
    ("spot polka dotcom retrospot", r#"<circle cx="6" cy="6" r="2.4"/>"#),
    ("stripe ribbon", r#"<path d="M0 0h4v12H0z"/>"#),
    ("heart love", r#"<path d="M6 9C2 6 3 3 5 3l1 1 1-1c2 0 3 3-1 6z"/>"#),
    ("star christmas snow", r#"<path d="m6 2 1 3h3L8 7l1 3-3-2-3 2 1-3-2-2h3z"/>"#),
    (
        "floral flower rose botanical garden",
        r#"<circle cx="6" cy="4" r="1.6"/><circle cx="4" cy="7" r="1.6"/><circle cx="8" cy="7" r="1.6"/>"#,
    ),
    ("geometric check", r#"<path d="m6 2 4 4-4 4-4-4z"/>"#),
];

/// `/picture/{id}`
pub async fn of_product(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Response {
    let snapshot = site.snapshot();
    let content = snapshot.product(&id).and_then(|no| snapshot.aggregates.catalog.content(no));
    let Some(content) = content else { return StatusCode::NOT_FOUND.into_response() };
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "max-age=600")];
    (headers, draw(&id, &content).into_string()).into_response()
}

fn draw(id: &str, content: &Content) -> Markup {
    let attributes = content.attributes.iter().map(|(_, value)| value.as_str());
    let words: Vec<&str> = attributes.chain([content.title.as_str()]).collect();
    let words = words.join(" ").to_lowercase();
    let kind =
        format!("{} {}", content.categories.first().map_or("", String::as_str), content.title).to_lowercase();
    let roll = id.bytes().fold(17_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let named = COLOURS.iter().find(|(word, ..)| has(&words, word));
    let (hue, saturation) = named.map_or((roll % 360, 45), |(_, hue, saturation)| (*hue, *saturation));
    let begins = |name: &str| kind.split(|c: char| !c.is_alphanumeric()).any(|word| word.starts_with(name));
    let shape = SHAPES.iter().find(|(names, _)| names.split(' ').any(begins));
    let pattern = PATTERNS.iter().find(|(names, _)| names.split(' ').any(|name| words.contains(name)));
    let style = format!(
        "svg{{background:hsl({hue} {saturation}% 93%)}}.s{{fill:hsl({hue} {saturation}% 48%)}}\
         .s .b{{fill:hsl({hue} {saturation}% 72%)}}.s .l{{fill:none;stroke:hsl({hue} {saturation}% 36%);stroke-width:5}}\
         .s .c{{fill:none;stroke:hsl({hue} {saturation}% 90%);stroke-width:3}}.p{{fill:hsl({hue} {saturation}% 85%)}}"
    );
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" {
            style { (PreEscaped(style)) }
            @if let Some((_, mark)) = pattern {
                defs { pattern id="p" width="12" height="12" patternUnits="userSpaceOnUse" { (PreEscaped(format!("<g class=\"p\">{mark}</g>"))) } }
                rect width="100" height="100" fill="url(#p)" {}
            }
            ellipse cx="50" cy="83" rx="30" ry="3" fill="#0002" {}
            g.s { (PreEscaped(shape.map_or(OTHER, |(_, shape)| shape))) }
        }
    }
}

fn has(words: &str, word: &str) -> bool {
    words.split(|c: char| !c.is_alphanumeric()).any(|one| one == word)
}
