"""Makes intent.csv: queries that say what a shopper wants with words that the wanted products do not use.

    pip install snowballstemmer
    python3 crates/lab/search/make_intent.py --products ../shared/data/search_chorus_icecat/products.jsonl.gz \
        --out crates/lab/search/intent.csv

Each query was written and judged before anything was tuned. Relevant is what a rule says: a pattern over title and product
type, with a grade (3 what is asked for, 2 serves it, 1 has to do with it) and a pattern of what does not count although it
matches; the first rule that matches gives the grade. Of these, every product is left out in whose texts – title, name, brand,
short description, names and texts of attributes – the stem of any word of the query stands, but for function words. A query
with no product of grade 3 left is not written.
"""

import argparse
import csv
import gzip
import json
import re
import unicodedata

import snowballstemmer

STOP = set(
    "a an and are as at be by can do does for from has have how i if in into is it its me my no not of off on or our out over "
    "so that the their them they this to too up we what when where which who will with without you your".split()
)

# What belongs to a thing and is not one.
PART = r"spare part|accessor|cable|\bcase\b|\bbag\b|mount|bracket|adapter|lamp|kit\b|stand\b|battery|warranty|service"

RULES = {
    "listen to songs without disturbing others": [(3, r"headphone|headset|earphone|in-ear|ear ?hook", r"pillow|cable|splitter|adapter|telephone"), (1, r"MP3|GoGear", r"cable|case|shell|accessor|charger|protector")],
    "tune out babble on a plane": [(3, r"nois\w* cancel", ""), (2, r"headphone|earphone|in-ear", r"pillow|cable|splitter|adapter|telephone")],
    "talk to colleagues while typing": [(3, r"headset", r"cable|splitter|adapter"), (1, r"microphone|webcam", r"cable")],
    "keep my telephone alive on a long hike": [(3, r"power bank|powercore", ""), (2, r"mobile device charger|portable charger", "")],
    "juice for my handset in the vehicle": [(3, r"car charger|charger auto", ""), (1, r"mobile device charger", "")],
    "caffeine for the office": [(3, r"coffee (maker|machine)|coffeemaker|espresso (machine|maker)|nespresso|senseo", r"part/|water tank|podholder|notebook|accessor|filter$"), (1, r"coffee maker part|senseo water", "")],
    "gift for someone who loves cappuccino": [(3, r"espresso (machine|maker)|nespresso|coffee (maker|machine)|coffeemaker|senseo", r"part/|water tank|podholder|notebook|accessor")],
    "make some tea": [(3, r"kettle", r"lead|cord|cable")],
    "dental hygiene": [(3, r"toothbrush|oral irrigator|sonicare|oral-b|plaque", "")],
    "hoover": [(3, r"vacuum", r"beard|bags|\bs-bag|accessor|trimmer")],
    "crumbs below the sofa": [(3, r"vacuum", r"beard|bags|\bs-bag|accessor|trimmer"), (1, r"vacuum cleaner bag|vacuum accessor", "")],
    "get rid of stubble": [(3, r"shaver|razor|beard ?trimmer", r"accessor|clean|women|body|lady|LS \d|HP63"), (2, r"trimmer", r"nose|LS \d|accessor"), (1, r"shav", r"women|LS \d|HP63|body")],
    "smooth chin every morning": [(3, r"shaver|razor", r"accessor|clean|women|body|lady|LS \d|HP63"), (1, r"shaver accessor|shaving head", "")],
    "present for a man with a moustache": [(3, r"beard ?trimmer|hair trimmer", r"accessor"), (2, r"shaver|razor|precision trimmer", r"accessor|clean|women|body|lady|LS \d|HP63")],
    "barber at home": [(3, r"hair ?(clipper|trimmer)", "accessor"), (2, r"beard ?trimmer|multi.*trimmer", "")],
    "remove wrinkles from shirts": [(3, r"steam iron|garment steamer|steam generator|\biron\b.*(W|series)", r"straighten|curling|notebook|dell|beads|transfer|dymo|styling"), ],
    "tidy curls before a party": [(3, r"hair (styling|dryer)|hairdryer|straightening iron|hot air brush|curling iron", r"doll")],
    "rainy day pastime for grown-ups": [(3, r"jigsaw|wasgij|castorland|falcon de luxe", r"XXL|goula"), (1, r"goula", "")],
    "quiet hobby with a thousand tiny bits": [(3, r"jigsaw|wasgij|falcon de luxe", r"XXL|goula")],
    "gift for a small mummy": [(3, r"\bdoll|annabell|baby born", r""), ],
    "superhero merchandise": [(3, r"batman|\bDC - ", ""), (1, r"paw patrol.*mighty", "")],
    "little bunnies and their house": [(3, r"sylvanian", "")],
    "fire brigade puppies from tv": [(3, r"paw patrol", "")],
    "winged monsters": [(3, r"dragons", r""), (2, r"bakugan", "")],
    "rucksack for school": [(3, r"backpack", "")],
    "prevent damage from a thunderstorm": [(3, r"surge (protect|suppress|arrest)|surgearrest|isobar|protect it!", r"")],
    "stop strangers reading over my shoulder": [(3, r"privacy", r"")],
    "confidential work on the train": [(3, r"privacy", "")],
    "show holiday snapshots in the living room": [(3, r"photo ?frame", r"")],
    "get up early for work": [(3, r"alarm clock|clock radio|radio clock", "")],
    "hear when the infant cries": [(3, r"baby monitor", "")],
    "fasten sheets together": [(3, r"leitz.*staple|stapler", r"stacker|cartridge"), (1, r"staple", "")],
    "prepare leaflets for a ring folder": [(3, r"hole punch", r"accessor|xerox"), (2, r"ring binder|lever arch", "label")],
    "tired legs in the office": [(3, r"foot ?rest", "")],
    "sore lower spine from sitting": [(3, r"lumbar|back ?rest|chair", r"doll|sylvanian|pushchair"), (2, r"foot ?rest", "")],
    "avoid tendonitis while typing": [(3, r"wrist|ergonomic|truform|tru-form", r"strap"), (1, r"gel mouse ?pad|trackball", "")],
    "scare off thieves in the library": [(3, r"cable lock|laptop lock|notebook lock|microsaver|clicksafe|defcon", r"")],
    "internet too slow in the attic": [(3, r"network repeater|range extender|powerline|mesh (set|wifi)|devolo", r"kvm|vga"), (1, r"wireless router", "")],
    "surf from the sofa": [(3, r"wireless router|access point|\bwlan\b.*router|tabletop router", r"antenna|cable"), (2, r"network repeater|powerline", "vga|kvm|cable"), (1, r"wired router", "")],
    "archive family memories safely": [(3, r"external hard drive|\bNAS\b|disk array", r"enclosure|cable"), (1, r"external hard drive enclosure|hdd/ssd enclosure", "")],
    "carry documents on a keyring": [(3, r"usb flash|usb stick|USM\d+", r"")],
    "change programmes without standing up": [(3, r"universal remote|remote control", r"camera|kvm|canon|serial|server|emitter|repeater|projector|touch pan|startech|epson")],
    "cinema atmosphere for the flat": [(3, r"home (cinema|theat)|soundbar|micro theater|micro theatre", r"cable|surge"), (2, r"data projector|projection screen", "lamp|mount"), (1, r"smart tv", "")],
    "morning news in the kitchen": [(3, r"\bradio\b", r"headphone|cable")],
    "capture an interview": [(3, r"voice tracer|pocket memo|dictation|meeting microphone", ""), (2, r"microphone", "cable|kvm")],
    "sing karaoke": [(3, r"microphone", "cable|kvm|meeting")],
    "tunes for jogging": [(3, r"mp3|mp4|gogear|walkman|flash audio", r"cable|case|shell|accessor|charger|protector|dock"), (2, r"ear ?hook|neckband|in-ear", "")],
    "drop-proof shell for a handset": [(3, r"mobile phone case", ""), (1, r"screen protector", "privacy|display|desktop")],
    "avoid scratches on my handset": [(3, r"screen protector", "privacy|desktop|monitor"), (2, r"mobile phone case", "")],
    "find things in a dark cellar": [(3, r"flashlight|torch", "")],
    "squeeze lemons": [(3, r"juicer|citrus press", ""), (1, r"blender|food processor", "accessor")],
    "prepare smoothies": [(3, r"blender|juicer|food processor", "accessor|steamer"), (1, r"mixer", "audio")],
    "homemade loaf": [(3, r"bread maker", ""), (1, r"toaster", "")],
    "crispy chips at home": [(3, r"fryer|family castel", ""), (1, r"grill\b", "apc")],
    "frozen dessert for summer": [(3, r"ice cream maker", ""), (1, r"ice crush", "")],
    "season a steak": [(3, r"salt|pepper", "")],
    "cook sausages indoors": [(3, r"(table|contact) grill", "")],
    "get chlorine out of drinking supply": [(3, r"brita|water filter|tap purifier", r"krups|coffee|fridge|samsung")],
    "do the laundry": [(3, r"washing machine|washer-dryer|tumble", "")],
    "keep groceries fresh": [(3, r"fridge-freezer|refrigerator|fridge", r"part|accessor")],
    "ride standing up in the park": [(3, r"self-balancing|scooter", "")],
    "garden fun for toddlers": [(3, r"\baxi\b|playhouse|play tower|playground|water table|swing seat|backyard discovery", r"sylvanian|arm")],
    "keep kids creative on a sunday": [(3, r"kids' craft|crayola|aquabeads|ses creative|cool maker|diamond painting|knitting", "")],
    "manicure afternoon": [(3, r"go ?glam|nail", "")],
    "name jars in the pantry": [(3, r"label printer|labelmaker|letratag|labelmanager|labelwriter|p-touch", r"tape\b|labels|roll|cable|adapter"), (2, r"label-making tape", "")],
    "lift my display to eye level": [(3, r"(flat screen|monitor|flat panel|lcd|tft).*(desk mount|stand|arm|riser)|desk mount", r"cpu|wall|ceiling|notebook|projector|tv stand|anchor|tablet"), (1, r"notebook stand|laptop stand", "")],
    "hide my tower below the table": [(3, r"cpu desk mount|computer holder|cpu holder", "")],
    "overheating portable": [(3, r"cooling pad|notepal|cooling stand", ""), (2, r"notebook stand|laptop stand", "")],
    "see grandma who lives far away": [(3, r"webcam|pc camera", r"netbotz|wall appliance")],
    "keep burglars away": [(3, r"security camera|cctv", r"netbotz|apc")],
    "ride through a short blackout at home": [(3, r"back-?ups|uninterruptible.* [1-9]\d\d VA", r"battery|cable|kit|card|cartridge")],
    "copy photographs from a tiny chip": [(3, r"(multi|media) ?card reader|card reader (white|black|silver|usb)|card reader", r"smart|printer|multiport|hub|dock|console|java|kiosk|barcode|notebook|media drive|personal media|ssd|converter")],
    "sign contracts electronically": [(3, r"smart ?card reader", "")],
    "burn songs for the car stereo": [(3, r"\bcd-r\b|\bcd-rw\b", r"drive|notebook|player|pc\b.*gb|writer|cleaner|label"), ],
    "preserve camcorder footage": [(3, r"dvd[-+]rw?\b", r"drive|notebook|player|writer|recorder|gb ddr|label|memory gb"), (1, r"external hard drive", "enclosure")],
    "entertainment for the lounge": [(3, r"smart tv|lcd tv|flat tv|digital tv|\btv \d|\btv$", r"mount|antenna|stand|cable"), (2, r"home (cinema|theat)", "cable|surge")],
    "hang a television": [(3, r"(flat (panel|screen)|tv|tv/monitor|lcd).*wall mount|wall mount.*(displays|screen)|thinstall", r"projector"), (1, r"wall mount", r"rack|patch|vga|projector|tablet|equipment|switch")],
    "slides for a big audience": [(3, r"data projector|digital projector|projector.*lumens", r"lamp|mount|lens"), (2, r"projection screen|wireless presenter", "")],
    "canvas for a beamer": [(3, r"projection screen|da-lite|projecta", r"bracket|kit|accessor")],
    "beamer went dark": [(3, r"projector lamp|lamp.*projector|replacement lamp", "")],
    "point at charts from far away": [(3, r"presenter|laser pointer", "cable")],
    "maths homework": [(3, r"calculator", r"keypad|ribbon|roll"), ],
    "digitise old letters": [(3, r"scanner", r"spare|lamp|feeder|part|barcode|kit|cable|card scanner|shelf|adf for|roller|accessor|maintenance"), (2, r"all-in-one printer", "toner|fuser|drum|tray|kit|cartridge|maintenance|ink")],
    "clear the clutter": [(3, r"storage (box|tray)|organi[sz]er tray|file storage|drawer cabinet|desk tray|mybox", r"cable|rack"), (2, r"lever arch|folder|document holder", "label|xerox|kensington")],
    "sort invoices by year": [(3, r"lever arch|ring binder|folder a4|expanding|shelf file|suspension", r"label|xerox"), (2, r"file storage|storage box", "chief")],
    "enter figures quickly": [(3, r"numeric keypad|\bkeypad\b", "kvm|sony|door"), ],
    "move the cursor with my thumb": [(3, r"trackball", ""), ],
    "replacement for my rodent": [(3, r"\bmouse\b", r"pad|mat\b|wrist|keyboard|kvm|cable|adapter|switch|bungee|pillow|server|extender|ps/2 to|sensor")],
    "shooter tournament machine": [(3, r"(gaming|\brog\b|alienware|\btuf\b|predator|\bomen\b|legion|nitro|raider).*notebook", "sleeve|case|cooling"), (2, r"geforce rtx|geforce gtx", "")],
    "make calls and take selfies": [(3, r"(android|smartphone).*mah|smartphone \d|\biphone \d", r"case|protector|tab\b|cable|charger|watch|philips|adapter")],
    "blur the background in portraits": [(3, r"camera lens|SAL\d+|SLR lens|\bEF\b.*mm.*f/?\d", r"hood|cap|adapter|case|cap\b|filter"), ],
    "snaps of the beach holiday": [(3, r"compact camera|digital camera|bridge camera|cyber-shot w|exilim|powershot|photosmart \w*\d+ digital", r"lens|case|cable|battery|remote|tripod|cap|flash|memory|dock"), (1, r"kids digital camera", "")],
    "film a wedding": [(3, r"\bcamcorder\b", r"battery|case|light|bag|flash|cable")],
    "carry my exilim safely": [(3, r"camera (case|bag)|gadget bag", "")],
    "silence a roaring tower": [(3, r"noise absorber|silent|case fan|quiet", r"projector|ups|mouse|rack"), (2, r"cpu cooler|computer cooling", "")],
    "chip runs too hot": [(3, r"cpu cooler|processor cool|heat ?sink|liquid cooling|computer cooling component", r"case fan"), (1, r"case fan|cooling", r"notebook|rack|row|apc")],
    "count my steps": [(3, r"smart ?watch|fitness|activity tracker|watch gt|galaxy (watch|fit)", r"strap|case")],
    "tablet for pupils on a small budget": [(3, r"chromebook", r"case|sleeve|cart|charger|cabinet|topload|bag"), ],
    "boot my old machine faster": [(3, r"internal solid state|solid state drive|\bSSD\b.*(serial ata|nvme|m\.2)|M\.2 \d+ GB", r"notebook|pc\b|server|tower|enclosure|bracket")],
    "attach lots of gadgets": [(3, r"usb hub|interface hub|port hub|pockethub|\bhub\b", r"printable|kvm|verbatim|stand|screen|monitor|hub printable|philips cd")],
    "floor lamp too far from the wall": [(3, r"power (extension|strip)|extension cord|outlet saver", r"IEC|C1[34]|C19|apc|subfeed|rack|fan|motherboard|splitter|medical|patient|\bpin\b|\bATX|\bEPS\b")],
    "turn my portable into a desktop": [(3, r"docking station|notebook dock|port replicator|\bdock\b", r"disk|ipod|speaker|mdock|hdd|hard|seagate|enclosure|ram mounts|cable lock")],
    "mignon cells": [(3, r"\bAA\b|LR6|penlite", r"angle|doll|head|cable|L\.O\.L|usb|extension|ear|cord|queen|charger")],
    "brighter drive at night": [(3, r"headlight", ""), (1, r"car light bulb", "")],
    "movies on the back seat": [(3, r"portable dvd|PET\d+.*dvd|PD\d+/", r"cable|adapter|case")],
    "control several machines from one seat": [(3, r"\bkvm switch", r"cable kit|switch cable|kvm cable|cables b0|bracket|mount kit|splitter|dongle")],
    "leftover powder is full": [(3, r"toner collector|waste toner|toner waste|toner collect", "")],
    "post many invitations": [(3, r"(address|shipping|mailing) label|labels? address|large address", r"printer"), (2, r"multi-?purpose labels", "")],
    "feed electricity to a server closet": [(3, r"power distribution unit|\bPDU\b", r"bracket|mount|kit|cable|extension cord"), (1, r"power strip", "")],
    "slim pouch for a macbook": [(3, r"sleeve case|notebook sleeve|laptop sleeve|macbook", r"hybrid|memory|adapter|battery|privacy|dock|cable"), ],
    "commuter wants to bring papers and portable": [(3, r"briefcase|messenger", r"peripheral"), (2, r"backpack", "")],
    "fuzzy picture on the telly": [(3, r"tv antenna|television antenna|antenna.*(uhf|hdtv)|(uhf|hdtv|vhf).*antenna", r"network")],
    "crisp picture for photo retouching": [(3, r"monitor.*(3840 x 2160|2560 x 1440|4K|quad hd)|(quad hd|4k ultra hd) l(cd|ed)", r"tv|cable|mount|kvm|notebook|dock|adapter|filter|smart"), (2, r"(computer|lcd) monitor", "cable|mount|arm|kvm|adapter|filter")],
    "leak-free nights for an infant": [(3, r"pampers|diaper", "doll")],
    "bring our cycles along": [(3, r"bicycle carrier", "")],
    "kit for a handyman": [(3, r"screwdriver|tool kit|toolkit|crimp tool|crimping|punch down", "software|label")],
    "check a broken network wire": [(3, r"(cable|poe|network|lan).*tester", "battery"), ],
    "telephone conversation without touching the handset": [(3, r"headset|hands ?free", "cable|splitter|adapter")],
    "early learning for preschoolers": [(3, r"goula|vtech|lena motor|musical toy", "")],
    "splash in the tub": [(3, r"bath (animal|toy)|ride-on float|water table", "")],
}


def folded(text):
    text = unicodedata.normalize("NFKD", text).lower()
    return "".join(c for c in text if not unicodedata.combining(c))


def words(text):
    return re.findall(r"[a-z0-9]+", folded(text))


def texts(product):
    parts = [product["title"], product["name"], product["supplier"], product.get("short_description") or ""]
    for key, value in product.items():
        if key.startswith("attr_"):
            parts.append(key[7:].replace("_", " "))
            if isinstance(value, str):
                parts.append(value)
    return " ".join(parts)


def grade(rules, subject):
    for value, wanted, unwanted in rules:
        if re.search(wanted, subject, re.I) and not (unwanted and re.search(unwanted, subject, re.I)):
            return value
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--show", action="store_true", help="print a few titles per query, to judge the rules")
    args = parser.parse_args()
    products = [json.loads(line) for line in gzip.open(args.products, "rt", encoding="utf-8")]
    stemmer = snowballstemmer.stemmer("english")
    stems = [set(stemmer.stemWords(words(texts(product)))) for product in products]
    rows, counts = [], []
    for query, rules in RULES.items():
        said = set(stemmer.stemWords([word for word in words(query) if word not in STOP]))
        judged = []
        dropped = 0
        for product, own in zip(products, stems):
            subject = product["title"] + " | " + (product.get("attr_t_product_type") or "")
            value = grade(rules, subject)
            if value and said & own:
                dropped += 1
            elif value:
                judged.append((value, product))
        best = sum(1 for value, _ in judged if value == 3)
        counts.append((query, len(judged), best, dropped))
        if args.show:
            print(f"{len(judged):4} of grade 3: {best:4} dropped: {dropped:4}  {query}")
            step = max(1, len(judged) // 9)
            for value, product in judged[::step]:
                print("        ", value, product["title"][:100])
        if best:
            rows.extend((query, product["id"], value) for value, product in judged)
    with open(args.out, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["query", "product_id", "grade"])
        writer.writerows(rows)
    kept = sum(1 for _, _, best, _ in counts if best)
    print(f"{kept} queries, {len(rows)} judgments; left out: {[query for query, _, best, _ in counts if not best]}")


main()
