"""Makes attributes.jsonl: queries for a kind of product with a brand, attributes and a price, and what the first answer must be.

    python3 crates/lab/search/make_attributes.py --products ../shared/data/search_chorus_icecat/products.jsonl.gz \
        --out crates/lab/search/attributes.jsonl

A line is `{"query", "paraphrased", "by": "hand" | "template", "constraints": [..]}`. A product satisfies it if it meets every
constraint. A constraint is `{"about", "any": [tests]}`, met when one test is, or `{"about", "none": [tests]}`, met when none is.
A test reads one field of the product as the file has it and is one of

    {"field", "is": text or true or false}   equal; a text also where it is one of the parts between commas; upper or lower case
    {"field", "has": text}                   these words stand in it, in this order, as whole words
    {"field", "min": n, "max": n}            a number within, either bound may be missing (`price` is in cents)

A field that a product does not have meets no test. Paraphrased means that a constraint is said in other words than the
catalogue's: another name of the product, a number in words, a unit converted. The seeded templates combine what products of
the catalogue have; every query, written or made, is checked to have a product that satisfies it.
"""

import argparse
import gzip
import json
import random
import re


def has(field, *texts):
    return [{"field": field, "has": text} for text in texts]


def equal(field, *values):
    return [{"field": field, "is": value} for value in values]


def any_of(about, *tests):
    return {"about": about, "any": [test for group in tests for test in group]}


def none_of(about, *tests):
    return {"about": about, "none": [test for group in tests for test in group]}


def brand(name):
    return any_of("brand", equal("supplier", name))


def between(about, field, low=None, high=None):
    test = {"field": field}
    if low is not None:
        test["min"] = low
    if high is not None:
        test["max"] = high
    return any_of(about, [test])


def price(high=None, low=None):
    return between("price", "price", None if low is None else round(100 * low), None if high is None else round(100 * high))


COLOUR_FIELDS = ["attr_t_product_colour", "attr_t_cable_colour", "attr_t_housing_colour"]
SPELT = {"Grey": ["gray", "grey"], "Multicolour": ["multicolor", "multicolour"]}


def colour(name):
    tests = [equal(field, name) for field in COLOUR_FIELDS]
    tests += [has(field, *SPELT.get(name, [name.lower()])) for field in ("title", "short_description")]
    return any_of("colour", *tests)


def number(about, field, value, slack=0.0):
    return between(about, field, value * (1 - slack), value * (1 + slack))


# Kinds: what is asked for, in the catalogue's words and in others; what counts as one.
def kind(names, others, titles, none=(), types=()):
    constraints = [any_of("type", has("title", *titles), equal("attr_t_product_type", *types))]
    if none:
        constraints.append(none_of("type", has("title", *none)))
    return {"names": names, "others": others, "constraints": constraints}


KINDS = {
    "notebook": kind(["notebook"], ["laptop"], [], ["case", "dock"], ["Notebook", "Hybrid (2-in-1)", "Chromebook", "Netbook", "Mobile workstation"]),
    "headphones": kind(["headphones"], ["head phones", "earphones"], ["headphones", "headphone", "headset", "earphones"], ["cable", "adapter", "splitter", "pillow", "connector"], ["Headphones", "Headset"]),
    "toner": kind(["toner cartridge", "toner"], ["laser printer refill"], ["toner cartridge", "toner"], ["waste", "collector", "drum", "collection", "container"]),
    "ink": kind(["ink cartridge"], ["printer ink", "inkjet refill"], ["ink cartridge", "ink"], ["toner", "photo paper", "paper"]),
    "network cable": kind(["networking cable", "patch cable"], ["ethernet cable", "lan cable", "network lead"], ["networking cable", "patch cable", "network cable", "patch cord"], ["tester", "tool", "fiber", "fibre", "panel"]),
    "usb cable": kind(["usb cable"], ["usb lead", "usb cord"], ["usb cable", "usb 2.0 cable", "usb"], ["adapter", "hub", "kvm", "drive", "mouse", "keyboard", "vga", "hdmi"]),
    "vga cable": kind(["vga cable"], ["analogue monitor lead"], ["vga cable", "vga monitor cable", "vga"], ["kvm", "adapter", "switch", "splitter", "extender", "usb", "pixels"]),
    "hdmi cable": kind(["hdmi cable"], ["hdmi lead"], ["hdmi cable", "hdmi"], ["adapter", "switch", "splitter", "extender", "dock", "hub", "pixels", "converter"]),
    "audio cable": kind(["audio cable"], ["sound lead"], ["audio cable"], ["kvm", "vga", "dvi"]),
    "fibre cable": kind(["fibre optic cable", "fiber optic cable"], ["optical network lead"], ["fibre optic cable", "fiber optic cable", "fiber patch cable", "fibre patch cable", "fiber", "fibre"], ["converter", "switch", "transceiver", "card", "adapter"]),
    "surge protector": kind(["surge protector"], ["surge suppressor", "overvoltage protection"], ["surge protector", "surgearrest", "surge suppressor"], []),
    "ups": kind(["uninterruptible power supply", "ups"], ["battery backup"], ["uninterruptible power supply", "ups"], ["battery", "cable", "kit", "card", "rack"]),
    "memory": kind(["memory module"], ["ram", "ram stick"], ["memory module", "memory"], ["card", "stick", "notebook", "printer", "flash"]),
    "usb drive": kind(["usb flash drive"], ["usb stick", "thumb drive", "pen drive"], ["usb flash drive", "usb drive", "flash drive"], []),
    "memory card": kind(["memory card"], ["camera card"], ["memory card"], ["reader"]),
    "keyboard": kind(["keyboard"], ["keyboard for my computer"], ["keyboard"], ["wrist", "cover", "cable", "drawer", "kvm", "tray", "extension", "splitter", "adapter", "switch", "extender"]),
    "mouse": kind(["mouse"], ["pointing device", "mice"], ["mouse", "trackball"], ["pad", "wrist", "keyboard", "kvm", "cable", "adapter", "mat", "pillow", "switch", "extender"]),
    "screen": kind(["projection screen"], ["canvas for a beamer"], ["projection screen"], []),
    "lamp": kind(["projector lamp"], ["beamer bulb", "bulb for a projector"], ["projector lamp", "replacement lamp"], []),
    "label tape": kind(["label-making tape"], ["label tape", "tape for a label printer"], ["label making tape", "label tape", "labelling tape"], []),
    "phone case": kind(["mobile phone case"], ["phone cover", "smartphone sleeve"], ["mobile phone case"], []),
    "kvm": kind(["kvm switch"], ["keyboard video mouse switch"], ["kvm switch", "kvm"], ["cable", "extender", "adapter", "kit", "module"]),
    "tv": kind(["tv"], ["television", "telly"], ["tv"], ["mount", "antenna", "stand", "converter", "cable", "dvd", "monitor", "pc", "remote"]),
    "calculator": kind(["calculator"], ["pocket calculator", "adding machine"], ["calculator"], ["keypad"]),
    "laptop bag": kind(["notebook case"], ["laptop bag", "bag for a laptop"], ["notebook case", "laptop case", "laptop bag"], []),
    "backpack": kind(["backpack"], ["rucksack"], ["backpack"], []),
    "phone": kind(["smartphone", "android phone"], ["mobile", "handset"], ["android"], ["tab"]),
    "coffee": kind(["coffee maker"], ["coffee machine"], ["coffee maker", "coffee machine", "espresso machine", "coffeemaker"], ["part", "accessory"]),
    "cd": kind(["cd-r"], ["blank cds", "recordable cd"], ["cd r", "cd rw"], ["drive", "notebook"]),
    "dvd": kind(["dvd-r"], ["blank dvds", "recordable dvd"], ["dvd r", "dvd rw", "dvd"], ["drive", "notebook", "player", "recorder", "writer", "theater", "case", "camera"]),
    "switch": kind(["network switch"], ["ethernet switch", "lan switch"], ["network switch", "ethernet switch", "switch"], ["kvm", "component", "video", "vga", "hdmi", "dvi", "license", "module"]),
    "battery": kind(["single-use battery", "household battery"], ["batteries"], ["single use battery", "household battery", "rechargeable battery", "batteries"], ["notebook", "ups"]),
    "processor": kind(["processor"], ["cpu"], ["processor"], ["notebook", "cooler", "cooling"], ["Processor"]),
    "watch": kind(["smartwatch"], ["smart watch"], ["smartwatch"], ["strap"]),
    "speaker": kind(["speaker", "loudspeaker"], ["pc speakers"], ["speaker", "speakers", "loudspeaker", "soundbar"], ["cable", "wire", "stand", "mount", "bracket"]),
}

WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 10: "ten", 12: "twelve", 15: "fifteen", 16: "sixteen", 20: "twenty", 24: "twenty-four", 25: "twenty-five", 30: "thirty", 32: "thirty-two", 40: "forty", 48: "forty-eight", 50: "fifty", 60: "sixty", 64: "sixty-four", 75: "seventy-five", 80: "eighty", 100: "a hundred", 128: "a hundred and twenty-eight", 150: "a hundred and fifty", 200: "two hundred", 250: "two hundred and fifty", 300: "three hundred", 400: "four hundred", 500: "five hundred", 1000: "a thousand"}
CEILINGS = [5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 75, 80, 100, 150, 200, 250, 300, 400, 500, 1000]


def plain(value):
    return str(int(value)) if float(value).is_integer() else str(value)


def length(value):
    return [f"{plain(value)} m", f"{plain(value)}m"], ([f"{plain(round(value * 100))} cm"] if value < 10 else []) + ([f"{WORDS[int(value)]} metres"] if value in WORDS else [])


def sized(unit, long):
    def say(value):
        return [f"{plain(value)} {unit}", f"{plain(value)}{unit}"], [f"{plain(value)} {long}"] + ([f"{WORDS[int(value)]} {long}"] if value in WORDS else [])
    return say


def counted(noun):
    def say(value):
        return [f"{plain(value)} {noun}"], ([f"{WORDS[int(value)]} {noun}"] if value in WORDS else [])
    return say


def packed(value):
    return [f"{plain(value)} pc(s)", f"{plain(value)} pack"], ([f"pack of {WORDS[int(value)]}", f"{WORDS[int(value)]} of them"] if value in WORDS else [f"pack of {plain(value)}"])


# Attributes of each kind: the field, how a value is said (the catalogue's way, other ways), and whether it stands before the kind.
def text(field, table, before=True):
    return (field, lambda value: table.get(value), before)


def figure(field, say, before=True):
    return (field, lambda value: say(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None, before)


COLOURS = {c: ([c.lower()], []) for c in ["Black", "White", "Blue", "Red", "Silver", "Green", "Yellow", "Orange", "Pink", "Brown", "Transparent", "Beige"]} | {"Grey": (["grey", "gray"], [])}
PRINTED = {"Black": (["black"], []), "Cyan": (["cyan"], []), "Magenta": (["magenta"], []), "Yellow": (["yellow"], [])}
CONNECT = {"Wireless": (["wireless"], ["cordless", "without a cable"]), "Wired": (["wired"], ["with a cable", "corded"])}
ATTRIBUTES = {
    "notebook": [figure("attr_n_internal_memory", sized("gb ram", "gigabytes of memory"), False), figure("attr_n_display_diagonal", sized("inch", "inches"), True), text("attr_t_processor_family", {"AMD Ryzen 7": (["amd ryzen 7"], ["ryzen seven"]), "AMD Ryzen 5": (["amd ryzen 5"], ["ryzen five"])}), text("attr_t_storage_media", {"SSD": (["ssd"], ["solid state disk"])}, False)],
    "headphones": [text("attr_t_connectivity_technology", CONNECT), text("attr_t_wearing_style", {"In-ear": (["in-ear"], ["that go in the ear"]), "Neck-band": (["neckband"], ["worn behind the neck"]), "Head-band": (["headband"], ["over the head"])}), text("attr_t_product_colour", COLOURS)],
    "toner": [text("attr_t_printing_colours", PRINTED), text("attr_t_type", {"Compatible": (["compatible"], ["third-party"]), "Original": (["original"], ["genuine"])})],
    "ink": [text("attr_t_printing_colours", PRINTED), text("attr_t_ink_type", {"Pigment-based ink": (["pigment-based"], ["pigment"])})],
    "network cable": [figure("attr_n_cable_length", length), text("attr_t_cable_colour", COLOURS), text("attr_t_cable_type", {"CAT5e": (["cat5e"], ["category 5e"]), "Cat6": (["cat6"], ["category 6"])}), ],
    "usb cable": [figure("attr_n_cable_length", length), text("attr_t_product_colour", COLOURS), text("attr_t_connector_2", {"Micro-USB B": (["micro-usb b"], ["micro usb plug"]), "Mini-USB B": (["mini-usb b"], ["mini usb plug"])}, False)],
    "vga cable": [figure("attr_n_cable_length", length), text("attr_t_product_colour", COLOURS)],
    "hdmi cable": [figure("attr_n_cable_length", length), text("attr_t_product_colour", COLOURS)],
    "audio cable": [figure("attr_n_cable_length", length), text("attr_t_product_colour", COLOURS), text("attr_t_connector_1", {"XLR (3-pin)": (["xlr"], ["three-pin xlr"]), "TOSLINK": (["toslink"], ["optical"])})],
    "fibre cable": [figure("attr_n_cable_length", length), text("attr_t_cable_colour", COLOURS)],
    "surge protector": [figure("attr_n_ac_outlets_quantity", counted("outlets"), False), text("attr_t_product_colour", COLOURS)],
    "ups": [figure("attr_n_output_power_capacity__va_", sized("va", "volt-ampere")), figure("attr_n_ac_outlets_quantity", counted("outlets"), False)],
    "memory": [figure("attr_n_memory_clock_speed", sized("mhz", "megahertz"), False), text("attr_t_internal_memory_type", {"DDR2": (["ddr2"], []), "DDR4": (["ddr4"], []), "DDR3": (["ddr3"], [])}), ],
    "usb drive": [figure("attr_n_capacity", sized("gb", "gigabytes")), text("attr_t_product_colour", COLOURS)],
    "memory card": [figure("attr_n_capacity", sized("gb", "gigabytes")), text("attr_t_flash_card_type", {"CompactFlash": (["compactflash"], ["compact flash"]), "MicroSD": (["microsd"], ["micro sd"])})],
    "keyboard": [text("attr_t_keyboard_layout", {"QWERTZ": (["qwertz"], ["with a german layout"]), "AZERTY": (["azerty"], ["with a french layout"])}), text("attr_t_product_colour", COLOURS), text("attr_t_connectivity_technology", CONNECT)],
    "mouse": [text("attr_t_movement_detection_technology", {"Laser": (["laser"], ["with a laser"]), "Optical": (["optical"], ["with an optical sensor"])}), text("attr_t_product_colour", COLOURS), figure("attr_n_movement_resolution", sized("dpi", "dots per inch"), False), text("attr_t_device_interface", {"Bluetooth": (["bluetooth"], ["over bluetooth"]), "RF Wireless": (["wireless"], ["cordless", "without a cable"])})],
    "screen": [text("attr_t_native_aspect_ratio", {"16:9": (["16:9"], ["widescreen 16 by 9"]), "4:3": (["4:3"], ["4 by 3"]), "16:10": (["16:10"], ["16 by 10"])}), ],
    "lamp": [figure("attr_n_bulb_power", sized("w", "watts")), figure("attr_n_service_life_of_lamp", sized("h", "hours"), False)],
    "label tape": [figure("attr_n_tape_width", sized("mm", "millimetres wide")), text("attr_t_label_colour", {"Black on white": (["black on white"], ["black letters on white"]), "Black on yellow": (["black on yellow"], ["black letters on yellow"]), "White on black": (["white on black"], ["white letters on black"])}, False)],
    "phone case": [text("attr_t_product_colour", COLOURS), text("attr_t_brand_compatibility", {"Samsung": (["samsung"], ["for a galaxy"]), "Apple": (["apple"], ["for an iphone"])}, False)],
    "kvm": [figure("attr_n_number_of_computers_controlled", lambda v: ([f"{plain(v)} port"], [f"for {WORDS[int(v)]} computers"] if v in WORDS else [])), text("attr_t_video_port_type", {"VGA": (["vga"], []), "DVI-I": (["dvi"], [])})],
    "tv": [figure("attr_n_display_diagonal", sized("inch", "inches")), text("attr_t_hd_type", {"4K Ultra HD": (["4k ultra hd"], ["uhd", "4k"]), "Full HD": (["full hd"], ["1080p"])}), text("attr_t_display_technology", {"Plasma": (["plasma"], []), "QLED": (["qled"], [])})],
    "calculator": [text("attr_t_type", {"Scientific calculator": (["scientific"], ["for science class"]), "Financial calculator": (["financial"], ["for finance"]), "Printing calculator": (["printing"], ["that prints"])}), text("attr_t_product_colour", COLOURS)],
    "laptop bag": [text("attr_t_case_type", {"Sleeve case": (["sleeve"], ["slip-in"]), "Briefcase": (["briefcase"], []), "Messenger case": (["messenger"], ["shoulder-strap messenger"])}), text("attr_t_material", {"Leather": (["leather"], ["made of leather"]), "Neoprene": (["neoprene"], ["made of neoprene"]), "Nylon": (["nylon"], ["made of nylon"])}), text("attr_t_product_colour", COLOURS), figure("attr_n_maximum_screen_size_compatibility", sized("inch", "inches"), False)],
    "backpack": [text("attr_t_product_colour", COLOURS), figure("attr_n_maximum_screen_size_compatibility", sized("inch", "inches"), False), text("attr_t_material", {"Nylon": (["nylon"], ["made of nylon"]), "Polyester": (["polyester"], ["made of polyester"])})],
    "phone": [text("attr_t_product_colour", COLOURS), figure("attr_n_internal_storage_capacity", sized("gb", "gigabytes"), False), text("attr_t_operating_system_installed", {"Android 10.0": (["android 10"], ["on android ten"]), "Android 9.0": (["android 9"], ["on android nine"])}, False)],
    "coffee": [text("attr_t_product_type", {"Pod coffee machine": (["pod"], ["for pods"]), "Drip coffee maker": (["drip"], ["filter"])}), text("attr_t_product_colour", COLOURS)],
    "cd": [figure("attr_n_quantity_per_pack", packed, False), figure("attr_n_cd_write_speed", lambda v: ([f"{plain(v)}x"], [f"{plain(v)} times speed"]), False)],
    "dvd": [figure("attr_n_quantity_per_pack", packed, False), figure("attr_n_native_capacity", sized("gb", "gigabytes")), figure("attr_n_dvd_write_speed", lambda v: ([f"{plain(v)}x"], [f"{plain(v)} times speed"]), False)],
    "switch": [figure("attr_n_basic_switching_rj_45_ethernet_ports_quantity", lambda v: ([f"{plain(v)} port"], [f"{WORDS[int(v)]} ports"] if v in WORDS else [])), text("attr_t_switch_type", {"Managed": (["managed"], ["that can be managed"]), "Unmanaged": (["unmanaged"], ["plug and play, not managed"])})],
    "battery": [text("attr_t_battery_technology", {"Alkaline": (["alkaline"], []), "Lithium": (["lithium"], []), "Nickel-Metal Hydride (NiMH)": (["nimh"], ["nickel metal hydride"])}), text("attr_t_battery_type", {"Rechargeable battery": (["rechargeable"], ["that can be charged again"])}), figure("attr_n_battery_voltage", sized("v", "volt"), False)],
    "processor": [text("attr_t_processor_socket", {"LGA 1200 (Socket H5)": (["lga 1200"], ["socket 1200"]), "LGA 775 (Socket T)": (["lga 775"], ["socket 775"]), "LGA 1366 (Socket B)": (["lga 1366"], ["socket 1366"])}, False), figure("attr_n_processor_frequency", sized("ghz", "gigahertz"), False)],
    "watch": [text("attr_t_housing_colour", COLOURS)],
    "speaker": [text("attr_t_product_colour", COLOURS), text("attr_t_audio_output_channels", {"2.1": (["2.1"], []), "5.1": (["5.1"], [])}), figure("attr_n_rms_rated_power", sized("w", "watts"), False)],
}


def folded(value):
    return " ".join(re.findall(r"[a-z0-9]+", str(value).lower()))


def passes(test, product):
    value = product.get(test["field"])
    if value is None:
        return False
    if "has" in test:
        return f" {folded(test['has'])} " in f" {folded(value)} "
    if "is" in test:
        wanted = test["is"]
        if isinstance(wanted, bool) or isinstance(value, bool):
            return wanted is value
        parts = [str(value)] + str(value).split(",")
        return str(wanted).lower() in [part.strip().lower() for part in parts]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return test.get("min", float("-inf")) <= value <= test.get("max", float("inf"))


def meets(constraint, product):
    if "any" in constraint:
        return any(passes(test, product) for test in constraint["any"])
    return not any(passes(test, product) for test in constraint["none"])


def satisfies(constraints, product):
    return all(meets(constraint, product) for constraint in constraints)


def of_kind(name):
    return KINDS[name]["constraints"]


def price_words(high, paraphrased, rng):
    if paraphrased and high in WORDS:
        return rng.choice(["under {}", "less than {}", "for at most {}", "not more than {}"]).format(WORDS[high])
    return rng.choice(["under {}", "below {}", "up to {}", "max {}"]).format(high)


def stated(field, value, usual):
    if "colour" in field and "printing" not in field and "label" not in field:
        return colour(value)
    in_title = has("title", *usual)
    if isinstance(value, str):
        return any_of(field[7:], equal(field, value), in_title)
    return any_of(field[7:], number("", field, value, 0.005)["any"], in_title)


def made(products, rng):
    """One query from a template: a product at random, what it is, and some of what it has."""
    name = rng.choice(sorted(ATTRIBUTES))
    pool = [product for product in products if satisfies(of_kind(name), product)]
    product = rng.choice(pool)
    paraphrased = rng.random() < 0.6
    constraints, before, after, other_words = list(of_kind(name)), [], [], False
    options = []
    for field, say, is_before in ATTRIBUTES[name]:
        value = product.get(field)
        said = None if value is None or isinstance(value, str) and "," in value else say(value)
        if said:
            options.append((field, value, said, is_before))
    rng.shuffle(options)
    with_brand, with_price = rng.random() < 0.65, rng.random() < 0.6
    wanted = rng.choice([1, 1, 2])
    chosen = options[:wanted]
    if not chosen or len(chosen) + with_brand + with_price < 2:
        return None
    for field, value, (usual, other), is_before in chosen:
        constraints.append(stated(field, value, usual))
        is_other = paraphrased and bool(other)
        other_words |= is_other
        words = rng.choice(other if is_other else usual)
        # What begins with a function word stands behind the noun.
        is_before = is_before and not re.match(r"(with|for|that|over|made|worn|on|without|plug)\b", words)
        (before if is_before else after).append(words)
    if with_brand:
        constraints.append(brand(product["supplier"]))
        before.insert(0, product["supplier"].lower())
    names = KINDS[name]
    is_other = paraphrased and rng.random() < 0.7
    other_words |= is_other
    noun = rng.choice(names["others"] if is_other else names["names"])
    tail = ""
    if with_price:
        cheapest = min(one["price"] for one in products if satisfies(constraints, one))
        if paraphrased and not other_words or rng.random() < 0.25:
            rank = sorted(one["price"] for one in products if satisfies(constraints, one))
            if len(rank) >= 8 and rng.random() < 0.5:
                constraints.append(price(rank[len(rank) // 2] / 100))
                before.insert(0, rng.choice(["cheap", "inexpensive", "affordable"]))
                other_words, with_price = True, False
        if with_price:
            fitting = [high for high in CEILINGS if 100 * high >= max(cheapest, 0.6 * product["price"])]
            if not fitting:
                return None
            constraints.append(price(fitting[0]))
            in_words = paraphrased and fitting[0] in WORDS and rng.random() < 0.7
            other_words |= in_words
            tail = price_words(fitting[0], in_words, rng)
    query = " ".join(before + [noun] + after + ([tail] if tail else []))
    return {"query": query, "paraphrased": other_words, "by": "template", "constraints": constraints}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--templates", type=int, default=180)
    args = parser.parse_args()
    from attribute_queries import HAND  # it uses the words above

    products = [json.loads(line) for line in gzip.open(args.products, "rt", encoding="utf-8")]
    queries, seen = [], set()
    for query, paraphrased, constraints in HAND:
        count = sum(satisfies(constraints, product) for product in products)
        if not count:
            raise SystemExit(f"no product satisfies: {query}")
        queries.append({"query": query, "paraphrased": paraphrased, "by": "hand", "constraints": constraints})
        seen.add(query)
    rng = random.Random(20261121)
    written = {True: 0, False: 0}
    while sum(written.values()) < args.templates:
        query = made(products, rng)
        if query is None or query["query"] in seen or written[query["paraphrased"]] * 2 >= args.templates:
            continue
        if not any(satisfies(query["constraints"], product) for product in products):
            continue
        seen.add(query["query"])
        written[query["paraphrased"]] += 1
        queries.append(query)
    with open(args.out, "w", encoding="utf-8") as file:
        for query in queries:
            file.write(json.dumps(query, ensure_ascii=False) + "\n")
    other = sum(query["paraphrased"] for query in queries)
    print(f"{len(queries)} queries, {len(HAND)} by hand, {other} paraphrased")


if __name__ == "__main__":
    main()
