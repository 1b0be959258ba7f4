// What only the browser knows: which modules were in view, which items were clicked. Without consent it is given no key
// and sends nothing. Opens reasons in a dialog; without this script they are a page of their own.

const { key, shopper, page, consent } = document.body.dataset;

function send(event, module, items, more = {}) {
  if (!key) return;
  const granted = (purpose) => (consent.split(".").includes(purpose) ? "granted" : "denied");
  const body = {
    event,
    event_id: crypto.randomUUID(),
    anonymous_id: shopper,
    page: { type: page, path: location.pathname },
    placement_id: module.dataset.module,
    rec_token: module.dataset.token,
    items,
    consent: {
      analytics: granted("analytics"),
      personalization: granted("personalization"),
      marketing: "denied",
    },
    ...more,
  };
  navigator.sendBeacon(`/v1/events?key=${key}`, JSON.stringify(body));
}

const item = (card) => ({ item_id: card.dataset.item, index: Number(card.dataset.position) });

// Content blocks are promotions; each is told by itself.
const promote = (event, block) =>
  send(event, block.closest("[data-module]"), [], {
    promotion_id: block.dataset.promotion,
    creative_slot: block.dataset.position,
  });

// Seen: half of a card in view for a second. A module's cards that are seen together are told together.
const waiting = new Map();
const seen = new Map();
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      clearTimeout(waiting.get(target));
      if (isIntersecting) waiting.set(target, setTimeout(() => note(target), 1000));
    }
  },
  { threshold: 0.5 },
);

function note(card) {
  watcher.unobserve(card);
  if (card.dataset.promotion) return promote("view_promotion", card);
  const module = card.closest("[data-module]");
  if (!seen.has(module)) {
    seen.set(module, []);
    setTimeout(() => {
      send("view_item_list", module, seen.get(module).map(item), { visible: true });
      seen.delete(module);
    }, 200);
  }
  seen.get(module).push(card);
}

for (const card of document.querySelectorAll("[data-module] :is([data-item], [data-promotion])")) watcher.observe(card);

document.addEventListener("click", (click) => {
  const block = click.target.closest("[data-module] [data-promotion]");
  if (block) promote("select_promotion", block);
  const card = click.target.closest("[data-module] [data-item]");
  if (card && click.target.closest("a")) send("select_item", card.closest("[data-module]"), [item(card)]);
});

// The token of the way here has been read by the server; it has no place in a bookmark.
if (new URLSearchParams(location.search).has("from")) history.replaceState(null, "", location.pathname);

const dialog = document.getElementById("why");
document.addEventListener("click", async (click) => {
  const link = click.target.closest("a.why");
  if (!link || click.ctrlKey || click.metaKey || click.shiftKey) return;
  click.preventDefault();
  const answer = await fetch(link.href);
  const text = new DOMParser().parseFromString(await answer.text(), "text/html");
  const certificate = text.querySelector(".certificate");
  if (!certificate) return location.assign(link.href);
  dialog.querySelector(".content").replaceChildren(certificate);
  dialog.showModal();
  dialog.scrollTop = 0;
});

// Suggestions under the search box: a combobox whose list holds links. Nothing of what is typed is kept.
const box = document.getElementById("q");
const list = document.getElementById("suggestions");
let asking;
let active = -1;

const options = () => [...list.querySelectorAll("[role=option]")];

function show(isOpen) {
  list.hidden = !isOpen;
  box.setAttribute("aria-expanded", String(isOpen));
  select(-1);
}

function select(at) {
  active = at;
  options().forEach((option, no) => option.setAttribute("aria-selected", String(no === at)));
  const option = options()[at];
  if (option) {
    box.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else box.removeAttribute("aria-activedescendant");
}

async function complete() {
  asking?.abort();
  asking = new AbortController();
  if (!box.value.trim()) return show(false);
  try {
    const answer = await fetch(`/suggest?q=${encodeURIComponent(box.value)}`, { signal: asking.signal });
    const text = new DOMParser().parseFromString(await answer.text(), "text/html");
    list.replaceChildren(...text.body.childNodes);
    show(options().length > 0 && document.activeElement === box);
  } catch (error) {
    if (error.name !== "AbortError") show(false);
  }
}

box.addEventListener("input", complete);
box.addEventListener("focus", () => options().length > 0 && box.value.trim() && show(true));
box.addEventListener("blur", () => show(false));
// A press on a link must not take the focus from the box before it is a click.
list.addEventListener("mousedown", (press) => press.preventDefault());
box.addEventListener("keydown", (press) => {
  const count = options().length;
  if (press.key === "Escape" && !list.hidden) {
    press.preventDefault();
    show(false);
  } else if ((press.key === "ArrowDown" || press.key === "ArrowUp") && count > 0) {
    press.preventDefault();
    if (list.hidden) return show(true);
    // One step beyond either end is the box itself.
    const step = press.key === "ArrowDown" ? 1 : -1;
    select(((active + 1 + step + count + 1) % (count + 1)) - 1);
  } else if (press.key === "Enter" && active >= 0 && !list.hidden) {
    press.preventDefault();
    options()[active].click();
  }
});
