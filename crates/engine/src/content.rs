//! What describes a product, packed into one allocation: a million products have a hundred million bytes of text, and most
//! decisions read a dozen titles of it.

use bespoke_domain::product::Content;
use bespoke_domain::{Millis, Money};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is read of many products in a decision.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Facts {
    /// What it costs the shop.
    pub cost: Option<Money>,
    /// When it was first offered.
    pub published_at: Option<Millis>,
    /// Not offered from here on.
    pub expires_at: Option<Millis>,
    /// Never recommended.
    pub hidden: bool,
    /// Mean rating and number of ratings.
    pub rating: Option<(f32, u32)>,
}

/// A product's content, as bytes: its facts, then its title, then all other texts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Packed(Arc<[u8]>);

/// The texts after the title, in order.
type Rest<'a> = ([&'a str; 5], Vec<&'a str>, Vec<(&'a str, &'a str)>);

impl Packed {
    /// Packs it.
    pub fn new(content: &Content) -> Self {
        let facts = Facts {
            cost: content.cost,
            published_at: content.published_at,
            expires_at: content.expires_at,
            hidden: content.hidden,
            rating: content.rating,
        };
        let texts = [
            &content.description,
            &content.link,
            &content.image_link,
            &content.brand,
            &content.item_group_id,
        ];
        let rest: Rest<'_> = (
            texts.map(String::as_str),
            content.categories.iter().map(String::as_str).collect(),
            content.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        );
        // Writing texts and numbers to memory cannot fail.
        Self(postcard::to_allocvec(&(facts, content.title.as_str(), rest)).unwrap_or_default().into())
    }

    /// Whether it is the same one, not only an equal one.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The facts.
    pub fn facts(&self) -> Facts {
        self.read().map(|(facts, ..)| facts).unwrap_or_default()
    }

    /// The title.
    pub fn title(&self) -> &str {
        self.read().map(|(_, title, _)| title).unwrap_or_default()
    }

    /// The attributes.
    pub fn attributes(&self) -> Vec<(&str, &str)> {
        let rest = self.read().map(|(.., rest)| rest).unwrap_or_default();
        postcard::from_bytes::<Rest<'_>>(rest).map(|(.., attributes)| attributes).unwrap_or_default()
    }

    /// Everything.
    pub fn unpack(&self) -> Content {
        let Some((facts, title, rest)) = self.read() else { return Content::default() };
        let (texts, categories, attributes): Rest<'_> = postcard::from_bytes(rest).unwrap_or_default();
        let [description, link, image_link, brand, item_group_id] = texts.map(str::to_owned);
        Content {
            title: title.to_owned(),
            description,
            link,
            image_link,
            brand,
            item_group_id,
            categories: categories.into_iter().map(str::to_owned).collect(),
            cost: facts.cost,
            published_at: facts.published_at,
            expires_at: facts.expires_at,
            hidden: facts.hidden,
            rating: facts.rating,
            attributes: attributes
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    fn read(&self) -> Option<(Facts, &str, &[u8])> {
        let (facts, rest) = postcard::take_from_bytes(&self.0).ok()?;
        let (title, rest) = postcard::take_from_bytes(rest).ok()?;
        Some((facts, title, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        let content = Content {
            title: "Mug „Ä“".to_owned(),
            description: "x".repeat(300),
            categories: vec!["Home > Kitchen".to_owned(), String::new()],
            published_at: Some(Millis(5)),
            rating: Some((4.5, 9)),
            attributes: vec![("color".to_owned(), "red".to_owned())],
            ..Content::default()
        };
        let packed = Packed::new(&content);
        assert_eq!((packed.title(), packed.facts().rating), ("Mug „Ä“", Some((4.5, 9))));
        assert_eq!(packed.unpack(), content);
        assert_eq!(Packed::new(&Content::default()).unpack(), Content::default());
    }
}
