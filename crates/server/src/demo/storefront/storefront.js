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

for (const card of document.querySelectorAll("[data-module] [data-item]")) watcher.observe(card);

document.addEventListener("click", (click) => {
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
