//! Categories from the words of a title. The data has none; these are few, coarse and derived by the table below.

/// The category of titles that no line of the table takes.
pub(super) const OTHER: &str = "Other";

/// Category and the words that put a title into it, with or without a plural ending. The first line that matches wins,
/// so that occasions come before things, and particular things before general ones.
const KEYWORDS: &[(&str, &str)] = &[
    (
        "Christmas",
        "advent, bauble, christmas, holly, jingle, mistletoe, nativity, nutcracker, reindeer, \
         rudolph, santa, snowflake, snowman, snowmen, xmas",
    ),
    (
        "Jewellery & Accessories",
        "bangle, bracelet, brooch, charm, earring, hair band, hair clip, hair comb, hair grip, \
         hairband, hairclip, hairslide, handbag charm, necklace, necklac, neckl, pendant, ring, \
         scarf, sunglasses, umbrella",
    ),
    ("Bags & Purses", "card holder, passport cover, wallet"),
    ("Kitchen & Dining", "oven glove, tea towel"),
    (
        "Stationery & Cards",
        "address book, birthday card, book, calendar, card, chalk, crayon, envelope, eraser, gift \
         bag, gift tag, greeting, journal, magnet, notebook, notepad, organiser, paperweight, pen, \
         pencil, post it, ribbon, ruler, sketchbook, stationery, sticker, tissue, wrap, writing set",
    ),
    ("Bags & Purses", "bag, backpack, handbag, luggage, purse, rucksack, shopper, suitcase, washbag"),
    (
        "Toys & Kids",
        "baby, ball, boys, child, childrens, childs, circus, craft, colouring set, doll, dolly, \
         domino, feltcraft, game, girls, jigsaw, kid, knitting, ludo, marble, modelling clay, paint \
         set, playhouse, puppet, puzzle, sewing, skipping, skittle, snakes ladders, soft toy, \
         spinning top, stencil, teddy, toy, yo yo",
    ),
    ("Party", "balloon, birthday, bunting, cake case, cocktail, fairy cake, honeycomb, party, paper chain"),
    (
        "Lighting & Candles",
        "candelabra, candle, candleholder, candlepot, candlestand, candlestick, chandelier, fairy \
         light, fragrance, incense, lamp, lampshade, lantern, light, night light, oil burner, \
         scented, shade, t light, tealight, torch, votive",
    ),
    (
        "Bathroom",
        "bath, bathroom, flannel, laundry, loo roll, lip balm, lip gloss, make up, manicure, shower, \
         soap, sponge, tissues box, toilet, toothbrush, towel",
    ),
    (
        "Garden",
        "bird feeder, bird house, bird table, birdhouse, bulb, flowerpot, garden, gardener, \
         greenhouse, herb, nesting, parasol, plant, planter, plant pot, seed, trellis, trowel, \
         watering can, windmill",
    ),
    (
        "Kitchen & Dining",
        "apron, baking, beaker, biscuit, bottle opener, bowl, bread, breakfast, butter, cafetiere, \
         cake, cakestand, chopping, coaster, coffee, colander, cookie, cup, cutlery, dinner, dish, \
         doiley, egg, food, fork, frying pan, glass, jam, jar, jelly, jug, kitchen, ladle, lunch, \
         measuring, milk, mould, mug, napkin, oven, pantry, picnic, pitcher, place setting, plate, \
         platter, popcorn, recipe, rolling pin, salt, saucer, snack, spice, spoon, sugar, tablecloth, \
         tea, teapot, teatime, toast, toastrack, tray, tumbler, utensil, wine",
    ),
    (
        "Storage & Organisation",
        "basket, box, boxe, cabinet, chest, coat rack, crate, cupboard, drawer, hanger, hook, key \
         rack, shelf, shelves, rack, storage, tidy, tin, trunk",
    ),
    (
        "Home Decoration",
        "art, artificial, block letter, chime, clock, cushion, curtain, decoration, decorative, \
         doily, doilie, doormat, doorstop, door stop, draught, easter, fan, feather, figurine, \
         flower, frame, garland, hanging, heart, hot water bottle, knob, mirror, mobile, ornament, \
         photo album, photoframe, picture, pillow, porcelain, quilt, rug, screen, sign, slate, star, \
         throw, tile, tree, trinket, vase, wall, wood letter, wreath",
    ),
];

/// The category of a title.
pub(super) fn of(title: &str) -> &'static str {
    let words: Vec<String> = title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .collect();
    let spaced = format!(" {} ", words.join(" "));
    let line = KEYWORDS.iter().find(|(_, keywords)| keywords.split(", ").any(|k| has_word(&spaced, k)));
    line.map_or(OTHER, |(name, _)| name)
}

/// Whether the keyword or its plural is among words that have a space on either side.
fn has_word(spaced: &str, keyword: &str) -> bool {
    spaced.match_indices(keyword).any(|(at, _)| {
        let after = &spaced[at + keyword.len()..];
        spaced[..at].ends_with(' ') && [" ", "s ", "es "].iter().any(|end| after.starts_with(end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_decide_and_the_first_line_wins() {
        for (title, category) in [
            ("White Hanging Heart T-Light Holder", "Lighting & Candles"),
            ("Christmas Tree T-Light Holder", "Christmas"),
            ("Jumbo Bag Red Retrospot", "Bags & Purses"),
            ("Set of 3 Cake Tins Pantry Design", "Kitchen & Dining"),
            ("Tea Towel Classic Design", "Kitchen & Dining"),
            ("Swiss Roll Towel", "Bathroom"),
            ("Amber Pendant", "Jewellery & Accessories"),
            ("Cupid Blob", OTHER),
        ] {
            assert_eq!(of(title), category, "{title}");
        }
    }

    #[test]
    fn keywords_are_lower_case_words() {
        for (name, keywords) in KEYWORDS {
            let is_plain = |c: char| c.is_ascii_lowercase() || c == ' ';
            for keyword in keywords.split(", ") {
                assert!(keyword.chars().all(is_plain) && keyword.trim() == keyword, "{name}: {keyword:?}");
            }
        }
    }
}
