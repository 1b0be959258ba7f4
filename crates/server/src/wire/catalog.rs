//! Catalogue rows as shops send them: Google Merchant attribute names, as JSON or as the columns of a CSV file.

use super::field::{Fields, object, values};
use bespoke_domain::product::{Availability, Content};
use bespoke_domain::{Currency, Millis, Money, Problem, ProductPatch};
use bespoke_engine::catalog::is_locale;
use bespoke_models::vector_index::WIDTH_MAX;
use serde_json::Value;

/// Longest texts, in bytes: title, description, link, category path.
const TITLE_MAX: usize = 600;
const DESCRIPTION_MAX: usize = 20_000;
const LINK_MAX: usize = 2048;
const PATH_MAX: usize = 750;
/// Most attributes of a row, and the longest name or value.
const ATTRIBUTES_MAX: usize = 200;
/// Longest name and text of an attribute, in bytes: lists of what an accessory fits are long.
const ATTRIBUTE_MAX: usize = 4000;

/// The rows of a request: an array, one a line, or `{"items": […], "as_of": …}`.
pub fn parse_patches(
    body: &[u8],
    max: usize,
    currency: Currency,
    now: Millis,
) -> Result<Vec<Result<ProductPatch, Problem>>, Problem> {
    let mut rows = values(body, max)?;
    let mut as_of = now;
    if let [Ok(Value::Object(map))] = rows.as_slice()
        && map.get("items").is_some_and(Value::is_array)
    {
        let mut fields = Fields(map.clone());
        as_of = fields.time("as_of")?.unwrap_or(now);
        let items = fields.take("items").unwrap_or_default();
        rows = values(items.to_string().as_bytes(), max)?;
    }
    Ok(rows.into_iter().map(|row| row.and_then(|row| patch(row, currency, as_of.min(now)))).collect())
}

/// One row of JSON text.
pub fn parse_patch(line: &[u8], currency: Currency, now: Millis) -> Result<ProductPatch, Problem> {
    let value =
        serde_json::from_slice(line).map_err(|error| Problem::new("line", "bad_json", error.to_string()))?;
    patch(value, currency, now)
}

/// One row of a CSV file.
pub fn patch_from_fields(
    fields: &[(&str, &str)],
    currency: Currency,
    now: Millis,
) -> Result<ProductPatch, Problem> {
    patch(object(fields), currency, now)
}

fn patch(row: Value, currency: Currency, now: Millis) -> Result<ProductPatch, Problem> {
    let mut fields = Fields::of(row, "row")?;
    let id = fields.id("id")?.ok_or_else(|| Problem::new("id", "missing", "every row needs its `id`"))?;
    described(&id, fields, currency, now).map_err(|problem| problem.of_row(&id))
}

fn described(id: &str, mut fields: Fields, currency: Currency, now: Millis) -> Result<ProductPatch, Problem> {
    let ends_sale = fields.0.get("sale_price").is_some_and(Value::is_null);
    let sale_price = not_negative("sale_price", fields.money("sale_price", currency)?)?;
    let patch = ProductPatch {
        id: id.to_owned(),
        as_of: fields.time("as_of")?.unwrap_or(now).min(now),
        price: not_negative("price", fields.money("price", currency)?)?,
        sale_price: if ends_sale { Some(None) } else { sale_price.map(Some) },
        availability: availability(&mut fields)?,
        stock: fields.count("stock", u64::from(u32::MAX))?.map(|stock| stock as u32),
        content: None,
        vector: vector(&mut fields)?,
    };
    if fields.0.is_empty() {
        return Ok(patch);
    }
    Ok(ProductPatch { content: Some(Box::new(content(fields, currency)?)), ..patch })
}

/// A list of numbers, or text of them with commas or blanks; `null` and an empty list take it away.
fn vector(fields: &mut Fields) -> Result<Option<Box<[f32]>>, Problem> {
    let is_gone = fields.0.get("vector").is_some_and(Value::is_null);
    let numbers: Vec<Option<f32>> = match fields.take("vector") {
        None => return Ok(is_gone.then(Box::default)),
        Some(Value::Array(list)) => list.iter().map(|one| one.as_f64().map(|number| number as f32)).collect(),
        Some(Value::String(text)) => text
            .trim_matches(['[', ']', ' '])
            .split([',', ' ', ';'])
            .filter(|one| !one.is_empty())
            .map(|one| one.parse().ok())
            .collect(),
        Some(_) => vec![None],
    };
    if numbers.len() > WIDTH_MAX {
        let detail = format!("must be at most {WIDTH_MAX} numbers; shorten it before you send it");
        return Err(Problem::new("vector", "too_many", detail));
    }
    let finite: Option<Box<[f32]>> =
        numbers.into_iter().map(|one| one.filter(|number| number.is_finite())).collect();
    let detail = "must be a list of numbers; send [] to take it away";
    finite.map(Some).ok_or_else(|| Problem::new("vector", "invalid_vector", detail))
}

/// Holds all vectors of a shop to one length.
#[derive(Debug)]
pub struct VectorLength(Option<usize>);

impl VectorLength {
    /// The length that the shop's vectors have; `None` where it has none yet: then the first says it.
    pub fn new(length: Option<usize>) -> Self {
        Self(length)
    }

    /// The row, where its vector is as long as the others.
    ///
    /// # Errors
    /// A problem of the field `vector`.
    pub fn check(&mut self, patch: ProductPatch) -> Result<ProductPatch, Problem> {
        let length = patch.vector.as_ref().map_or(0, |vector| vector.len());
        match self.0 {
            _ if length == 0 => Ok(patch),
            Some(held) if held != length => {
                let detail = format!(
                    "has {length} numbers, the others {held}: send as many, or take the others away first"
                );
                Err(Problem::new("vector", "wrong_length", detail).of_row(&patch.id))
            }
            _ => {
                self.0 = Some(length);
                Ok(patch)
            }
        }
    }
}

fn not_negative(field: &str, price: Option<Money>) -> Result<Option<Money>, Problem> {
    match price {
        Some(price) if price.minor < 0 => Err(Problem::new(field, "out_of_range", "must not be negative")),
        price => Ok(price),
    }
}

fn availability(fields: &mut Fields) -> Result<Option<Availability>, Problem> {
    let Some(name) = fields.text("availability", 32)? else { return Ok(None) };
    let name = name.trim().to_ascii_lowercase().replace(' ', "_");
    let detail = "must be in_stock, out_of_stock, preorder or backorder";
    Availability::parse(&name)
        .map(Some)
        .ok_or_else(|| Problem::new("availability", "invalid_availability", detail))
}

fn content(mut fields: Fields, currency: Currency) -> Result<Content, Problem> {
    let title = fields.text("title", TITLE_MAX)?.filter(|title| !title.trim().is_empty());
    let hint = "a row that says more than price and stock needs its `title`";
    let text =
        |fields: &mut Fields, name: &str, max: usize| fields.text(name, max).map(Option::unwrap_or_default);
    let mut content = Content {
        title: title.ok_or_else(|| Problem::new("title", "missing", hint))?,
        description: text(&mut fields, "description", DESCRIPTION_MAX)?,
        link: text(&mut fields, "link", LINK_MAX)?,
        image_link: text(&mut fields, "image_link", LINK_MAX)?,
        brand: text(&mut fields, "brand", 200)?,
        item_group_id: text(&mut fields, "item_group_id", super::field::ID_MAX)?,
        categories: categories(&mut fields)?,
        cost: fields.money("cost_of_goods_sold", currency)?,
        published_at: fields.time("published_at")?,
        expires_at: fields.time("expiration_date")?,
        hidden: hidden(&mut fields)?,
        rating: rating(&mut fields)?,
        attributes: Vec::new(),
    };
    content.attributes = attributes(fields)?;
    Ok(content)
}

fn categories(fields: &mut Fields) -> Result<Vec<String>, Problem> {
    let named = fields.texts("categories", 20, PATH_MAX)?;
    let typed = fields.texts("product_type", 20, PATH_MAX)?;
    let google = fields.texts("google_product_category", 1, PATH_MAX)?;
    Ok([named, typed, google].into_iter().find(|list| !list.is_empty()).unwrap_or_default())
}

fn hidden(fields: &mut Fields) -> Result<bool, Problem> {
    let adult = fields.flag("adult")?.unwrap_or(false);
    let published = fields.flag("published")?.unwrap_or(true);
    Ok(fields.text("pause", 16)?.is_some() || adult || !published)
}

fn rating(fields: &mut Fields) -> Result<Option<(f32, u32)>, Problem> {
    let count = fields.count("rating_count", u64::from(u32::MAX))?.unwrap_or(0) as u32;
    let Some(text) = fields.text("rating", 16)? else { return Ok(None) };
    match text.trim().parse::<f32>() {
        Ok(mean) if (0.0..=5.0).contains(&mean) => Ok(Some((mean, count))),
        _ => Err(Problem::new("rating", "invalid_rating", "must be a number from 0 to 5")),
    }
}

/// What is left: `attributes` by their names, everything else by its own.
fn attributes(mut fields: Fields) -> Result<Vec<(String, String)>, Problem> {
    let named = fields.take("attributes").map_or(Ok(Vec::new()), |value| {
        Fields::of(value, "attributes").map(|inner| inner.0.into_iter().collect())
    })?;
    let mut flat = Vec::new();
    for (name, value) in named.into_iter().chain(fields.0) {
        let values = if let Value::Array(list) = value { list } else { vec![value] };
        for value in values {
            let text = match value {
                Value::String(text) => text,
                Value::Null => continue,
                other => other.to_string(),
            };
            if name.len() > ATTRIBUTE_MAX || text.len() > ATTRIBUTE_MAX {
                return Err(Problem::new(name, "too_long", format!("must be at most {ATTRIBUTE_MAX} bytes")));
            }
            let text = if is_locale(&name) { tag(&name, &text)? } else { Some(text) };
            flat.extend(text.map(|text| (name.clone(), text)));
        }
    }
    if flat.len() > ATTRIBUTES_MAX {
        return Err(Problem::new("attributes", "too_many", format!("must be at most {ATTRIBUTES_MAX}")));
    }
    Ok(flat)
}

/// The language of a row's texts, as it is written; `None` where it says none.
fn tag(name: &str, text: &str) -> Result<Option<String>, Problem> {
    Fields([(name.to_owned(), Value::from(text))].into_iter().collect()).locale(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn eur() -> Currency {
        Currency::parse("EUR").expect("EUR is a currency")
    }

    fn read(line: &str) -> Result<ProductPatch, String> {
        parse_patch(line.as_bytes(), eur(), Millis(100)).map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_row_is_read_with_merchant_names() {
        let row = r#"{"id":"a","title":"Mug","price":"4.50 GBP","availability":"in stock","product_type":"Home > Kitchen","color":"red","attributes":{"volume_ml":300},"as_of":50}"#;
        let patch = read(row).expect("it is as it must be");
        assert_eq!(
            (patch.price.map(|price| price.to_string()).as_deref(), patch.as_of),
            (Some("4.50 GBP"), Millis(50))
        );
        let content = patch.content.expect("it has a title");
        assert_eq!(content.categories, ["Home > Kitchen"]);
        assert_eq!(content.attributes, [("volume_ml".into(), "300".into()), ("color".into(), "red".into())]);
    }

    #[test]
    fn the_language_of_a_row_is_written_in_one_way_and_empty_says_none() {
        let locale = |text: &str| {
            let row = format!("{{\"id\":\"a\",\"title\":\"Mug\",\"locale\":{text}}}");
            read(&row).expect(text).content.expect("it has a title").attributes
        };
        assert_eq!(locale("\"DE-at\""), [("locale".to_owned(), "de-AT".to_owned())]);
        assert_eq!(locale("\"\""), []);
        assert_eq!(locale("null"), []);
    }

    #[test]
    fn a_stock_patch_leaves_the_rest_alone() {
        let patch = read(r#"{"id":"a","stock":0,"sale_price":null}"#).expect("it is as it must be");
        assert_eq!((patch.stock, patch.sale_price, patch.content), (Some(0), Some(None), None));
    }

    #[test]
    fn a_csv_row_is_the_same_row() {
        let row =
            [("ID", "a"), ("Title", "Mug"), ("Image Link", "http://x/y.png"), ("stock", "3"), ("brand", "")];
        let patch = patch_from_fields(&row, eur(), Millis(0)).expect("it is as it must be");
        let content = patch.content.expect("it has a title");
        assert_eq!(
            (patch.stock, content.image_link.as_str(), content.brand.as_str()),
            (Some(3), "http://x/y.png", "")
        );
    }

    #[test]
    fn each_fault_names_its_field() {
        for (row, field) in [
            (r#"{"title":"Mug"}"#, "id: "),
            (r#"{"id":"a","color":"red"}"#, "title: "),
            (r#"{"id":"a","price":"dear"}"#, "price: "),
            (r#"{"id":"a","stock":-1}"#, "stock: "),
            (r#"{"id":"a","availability":"soon"}"#, "availability: "),
            (r#"{"id":"a","title":"Mug","rating":9}"#, "rating: "),
            (r#"{"id":"a","vector":[1,"x"]}"#, "vector: "),
            (r#"{"id":"a","vector":"0.1, nan"}"#, "vector: "),
            (r#"{"id":"a","vector":[1e99]}"#, "vector: "),
            (r#"{"id":"a","vector":7}"#, "vector: "),
            (r#"{"id":"a","title":"Mug","locale":"german"}"#, "locale: "),
            (r#"{"id":"a","title":"Mug","attributes":{"locale":"de_AT"}}"#, "locale: "),
            (r#"{"id":"a","title":"Mug","locale":["de","de AT"]}"#, "locale: "),
        ] {
            let fault = read(row).expect_err(row);
            assert!(fault.starts_with(field), "{row}: {fault}");
        }
    }

    #[test]
    fn a_vector_is_a_list_or_text_and_all_are_as_long_as_the_first() {
        let vector = |row: &str| read(row).expect(row).vector.map(Vec::from);
        assert_eq!(vector(r#"{"id":"a","vector":[0.5,-2]}"#), Some(vec![0.5, -2.0]));
        assert_eq!(vector(r#"{"id":"a","vector":"[0.5, -2]"}"#), Some(vec![0.5, -2.0]));
        for gone in [r#"{"id":"a","vector":null}"#, r#"{"id":"a","vector":[]}"#] {
            assert_eq!(vector(gone), Some(vec![]), "{gone}");
        }
        assert_eq!(vector(r#"{"id":"a","stock":1}"#), None);
        let long = format!(r#"{{"id":"a","vector":{:?}}}"#, vec![1; WIDTH_MAX + 1]);
        assert!(read(&long).is_err_and(|fault| fault.contains("at most 1024")));
        let mut length = VectorLength::new(None);
        let mut check = |row: &str| length.check(read(row).expect(row)).map_err(|fault| fault.to_string());
        assert!(check(r#"{"id":"a","vector":[1,2]}"#).is_ok() && check(r#"{"id":"b","stock":1}"#).is_ok());
        let fault = check(r#"{"id":"c","vector":[1,2,3]}"#).expect_err("it is longer");
        assert!(fault.contains("vector") && fault.contains("has 3 numbers, the others 2"), "{fault}");
        assert!(check(r#"{"id":"c","vector":[]}"#).is_ok() && check(r#"{"id":"c","vector":[4,5]}"#).is_ok());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            _ = parse_patches(&body, 10, eur(), Millis(0));
        }
    }
}
