//! Product files of shop systems: the CSV exports of Shopify and WooCommerce, told by their columns and put into the names of
//! Google Merchant. Rows that describe no sellable variant (further pictures, parents of variations) are passed over.

use super::lines::Fields;
use std::collections::HashMap;

/// Parents of variations that are remembered.
const PARENTS_MAX: usize = 200_000;

/// How a file names its columns.
pub enum Dialect {
    /// Google Merchant.
    Merchant,
    /// Shopify's product export; what its rows leave out stands in the first of the product.
    Shopify(Box<Product>),
    /// WooCommerce's product export; variations refer to their parents by id or SKU.
    WooCommerce(HashMap<String, Product>),
}

/// What the rows of one product share.
#[derive(Clone, Default)]
pub struct Product {
    key: String,
    title: String,
    description: String,
    brand: String,
    category: String,
    image: String,
    tags: String,
    is_published: bool,
    options: [String; 3],
}

impl Dialect {
    /// What the columns say.
    pub fn of(header: &[String]) -> Self {
        let has = |name: &str| header.iter().any(|held| held == name);
        if has("Handle") && has("Variant Price") {
            Self::Shopify(Box::default())
        } else if has("SKU") && has("Regular price") {
            Self::WooCommerce(HashMap::new())
        } else {
            Self::Merchant
        }
    }

    /// A row in the names of Google Merchant; `None` for one that is no sellable variant.
    pub fn row(&mut self, fields: Fields) -> Option<Fields> {
        match self {
            Self::Merchant => Some(fields),
            Self::Shopify(product) => shopify(product, &Row(fields)),
            Self::WooCommerce(parents) => woocommerce(parents, &Row(fields)),
        }
    }
}

struct Row(Fields);

impl Row {
    /// A value, empty where there is none.
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(held, _)| held == name).map_or("", |(_, value)| value.trim())
    }
}

/// The fields of a Merchant row, empty ones left out.
struct Merchant(Fields);

impl Merchant {
    fn put(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.0.push((name.to_owned(), value));
        }
    }

    fn shared(&mut self, product: &Product) {
        self.put("title", &product.title);
        self.put("description", &product.description);
        self.put("brand", &product.brand);
        self.put("product_type", &product.category);
        self.put("tag", &product.tags);
        if !product.is_published {
            self.put("published", "false");
        }
    }

    /// The price, and the sale price where it is below the usual one.
    fn prices(&mut self, usual: &str, now: &str) {
        let number = |text: &str| text.parse::<f64>().ok();
        match (number(usual), number(now)) {
            (Some(before), Some(price)) if before > price => {
                self.put("price", usual);
                self.put("sale_price", now);
            }
            _ => self.put("price", if now.is_empty() { usual } else { now }),
        }
    }
}

fn shopify(product: &mut Product, row: &Row) -> Option<Fields> {
    let handle = row.get("Handle");
    if handle != product.key || !row.get("Title").is_empty() {
        *product = shopify_product(row);
    }
    if row.get("Variant Price").is_empty() && row.get("Variant SKU").is_empty() {
        return None;
    }
    let values = ["Option1 Value", "Option2 Value", "Option3 Value"].map(|name| row.get(name));
    let named: Vec<(&str, &str)> = product
        .options
        .iter()
        .map(String::as_str)
        .zip(values)
        .filter(|(name, value)| !value.is_empty() && *name != "title")
        .collect();
    let mut out = Merchant(Vec::new());
    let sku = row.get("Variant SKU").trim_start_matches('\'');
    let spelt: Vec<&str> = std::iter::once(handle).chain(named.iter().map(|(_, value)| *value)).collect();
    out.put("id", if sku.is_empty() { spelt.join("-") } else { sku.to_owned() });
    out.put("item_group_id", handle);
    out.shared(product);
    out.put("link", format!("/products/{handle}"));
    let image = [row.get("Variant Image"), row.get("Image Src"), &product.image]
        .into_iter()
        .find(|one| !one.is_empty());
    out.put("image_link", image.unwrap_or_default());
    out.prices(row.get("Variant Compare At Price"), row.get("Variant Price"));
    out.put("cost_of_goods_sold", row.get("Cost per item"));
    let stock = row.get("Variant Inventory Qty").parse::<i64>().ok();
    let is_counted =
        !row.get("Variant Inventory Tracker").is_empty() && row.get("Variant Inventory Policy") != "continue";
    let counted = stock.filter(|_| is_counted);
    out.put(
        "availability",
        if counted.is_some_and(|stock| stock <= 0) { "out_of_stock" } else { "in_stock" },
    );
    out.put("stock", counted.map_or_else(String::new, |stock| stock.max(0).to_string()));
    named.into_iter().for_each(|(name, value)| out.put(name, value));
    Some(out.0)
}

fn shopify_product(row: &Row) -> Product {
    let category = row.get("Product Category");
    Product {
        key: row.get("Handle").to_owned(),
        title: row.get("Title").to_owned(),
        description: text_of_html(row.get("Body (HTML)")),
        brand: row.get("Vendor").to_owned(),
        category: if category.is_empty() { row.get("Type") } else { category }.to_owned(),
        image: row.get("Image Src").to_owned(),
        tags: row.get("Tags").to_owned(),
        is_published: !row.get("Published").eq_ignore_ascii_case("false")
            && matches!(row.get("Status"), "" | "active"),
        options: ["Option1 Name", "Option2 Name", "Option3 Name"].map(|name| option(row.get(name))),
    }
}

/// An option's name as an attribute's.
fn option(name: &str) -> String {
    match name.to_lowercase().as_str() {
        "colour" => "color".to_owned(),
        other => other.to_owned(),
    }
}

fn woocommerce(parents: &mut HashMap<String, Product>, row: &Row) -> Option<Fields> {
    let (id, sku, kind) = (row.get("ID"), row.get("SKU"), row.get("Type"));
    let key = if sku.is_empty() { format!("woo-{id}") } else { sku.to_owned() };
    let mut product = woocommerce_product(row, &key);
    if kind.split(',').any(|one| one.trim() == "variable") {
        if parents.len() < PARENTS_MAX {
            parents.insert(format!("id:{id}"), product.clone());
            parents.insert(key, product);
        }
        return None;
    }
    let mut out = Merchant(vec![("id".to_owned(), key)]);
    if let Some(parent) = parents.get(row.get("Parent")) {
        out.put("item_group_id", &parent.key);
        let own = std::mem::take(&mut product);
        let or = |own: String, parent: &String| if own.is_empty() { parent.clone() } else { own };
        product = Product {
            title: or(own.title, &parent.title),
            description: or(own.description, &parent.description),
            brand: or(own.brand, &parent.brand),
            category: or(own.category, &parent.category),
            image: or(own.image, &parent.image),
            tags: or(own.tags, &parent.tags),
            is_published: own.is_published && parent.is_published,
            ..parent.clone()
        };
    }
    out.shared(&product);
    out.put("image_link", &product.image);
    out.prices(row.get("Regular price"), row.get("Sale price"));
    let availability = match row.get("In stock?") {
        "0" => "out_of_stock",
        "backorder" => "backorder",
        _ => "in_stock",
    };
    out.put("availability", availability);
    out.put(
        "stock",
        row.get("Stock")
            .parse::<f64>()
            .map_or_else(|_| String::new(), |units| format!("{}", units.max(0.0) as u32)),
    );
    for no in 1..=20 {
        let name = option(row.get(&format!("Attribute {no} name")));
        out.put(&name, row.get(&format!("Attribute {no} value(s)")));
    }
    out.0.retain(|(name, _)| !name.is_empty());
    Some(out.0)
}

fn woocommerce_product(row: &Row, key: &str) -> Product {
    let description =
        [row.get("Description"), row.get("Short description")].into_iter().find(|text| !text.is_empty());
    let deepest =
        row.get("Categories").split(',').map(str::trim).max_by_key(|path| path.matches('>').count());
    let is_listed = !matches!(row.get("Visibility in catalog"), "hidden" | "search");
    Product {
        key: key.to_owned(),
        title: row.get("Name").to_owned(),
        description: text_of_html(description.unwrap_or_default()),
        brand: row.get("Brands").to_owned(),
        category: deepest.unwrap_or_default().to_owned(),
        image: row.get("Images").split(',').next().unwrap_or_default().trim().to_owned(),
        tags: row.get("Tags").to_owned(),
        is_published: !matches!(row.get("Published"), "0" | "-1") && is_listed,
        options: Default::default(),
    }
}

/// The text of a piece of HTML: without tags, the usual entities read.
fn text_of_html(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut is_tag = false;
    for c in html.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => {
                is_tag = false;
                text.push(' ');
            }
            _ if !is_tag => text.push(c),
            _ => {}
        }
    }
    let entities =
        [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let text = entities.iter().fold(text, |text, (entity, plain)| text.replace(entity, plain));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(header: &str, lines: &[&str]) -> Vec<String> {
        let names: Vec<String> = header.split('|').map(str::to_owned).collect();
        let mut dialect = Dialect::of(&names);
        let fields = |line: &&str| -> Fields {
            let pairs = names.iter().cloned().zip(line.split('|').map(str::to_owned));
            pairs.filter(|(_, value)| !value.is_empty()).collect()
        };
        let shown = |row: Fields| {
            row.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" | ")
        };
        lines.iter().filter_map(|line| dialect.row(fields(line))).map(shown).collect()
    }

    #[test]
    fn shopify_variants_take_what_their_product_says() {
        let header = "Handle|Title|Body (HTML)|Vendor|Type|Published|Option1 Name|Option1 Value|Variant SKU|Variant Inventory Tracker|\
            Variant Inventory Qty|Variant Inventory Policy|Variant Price|Variant Compare At Price|Image Src|Status";
        let lines = [
            "tee|Tee|<p>Soft &amp; <b>warm</b></p>|Acme|Shirts|true|Colour|Red|T-R|shopify|3|deny|10.00|12.00|/r.jpg|active",
            "tee|||||||Blue|T-B|shopify|0|deny|10.00||/b.jpg|",
            "tee||||||||||||||/more.jpg|",
            "card|Gift card||Acme||true|Title|Default Title|||||25.00|||draft",
        ];
        assert_eq!(
            rows(header, &lines),
            [
                "id=T-R | item_group_id=tee | title=Tee | description=Soft & warm | brand=Acme | product_type=Shirts | link=/products/tee | image_link=/r.jpg | price=12.00 | sale_price=10.00 | availability=in_stock | stock=3 | color=Red",
                "id=T-B | item_group_id=tee | title=Tee | description=Soft & warm | brand=Acme | product_type=Shirts | link=/products/tee | image_link=/b.jpg | price=10.00 | availability=out_of_stock | stock=0 | color=Blue",
                "id=card | item_group_id=card | title=Gift card | brand=Acme | published=false | link=/products/card | price=25.00 | availability=in_stock",
            ]
        );
    }

    #[test]
    fn woocommerce_variations_take_what_their_parent_says() {
        let header = "ID|Type|SKU|Name|Published|Visibility in catalog|Description|In stock?|Stock|Sale price|Regular price|Categories|Images|Parent|\
            Attribute 1 name|Attribute 1 value(s)";
        let lines = [
            "1|variable|hoodie|Hoodie|1|visible|Warm|1||||Clothing, Clothing > Hoodies|/h.jpg, /h2.jpg||Color|Red, Blue",
            "2|variation|hoodie-red|Hoodie - Red|1|visible||1|4|40|45|||id:1|Color|Red",
            "3|variation||Hoodie - Blue|1|visible||0|0||45|||hoodie|Color|Blue",
            "4|simple|cap|Cap|1|hidden||backorder|||9|Clothing|||Size|one",
        ];
        assert_eq!(
            rows(header, &lines),
            [
                "id=hoodie-red | item_group_id=hoodie | title=Hoodie - Red | description=Warm | product_type=Clothing > Hoodies | image_link=/h.jpg | price=45 | sale_price=40 | availability=in_stock | stock=4 | color=Red",
                "id=woo-3 | item_group_id=hoodie | title=Hoodie - Blue | description=Warm | product_type=Clothing > Hoodies | image_link=/h.jpg | price=45 | availability=out_of_stock | stock=0 | color=Blue",
                "id=cap | title=Cap | product_type=Clothing | published=false | price=9 | availability=backorder | size=one",
            ]
        );
    }
}
