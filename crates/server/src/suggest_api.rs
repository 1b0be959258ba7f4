//! Suggestions over HTTP, and the thread that keeps them up to date: it reads published snapshots only, so that neither the
//! writer nor a request waits for it.

use crate::boot::Shop;
use crate::clock;
use crate::http::App;
use crate::recommend::{item_body, shopper};
use crate::wire::error::ApiError;
use crate::wire::suggest::{AskedSuggest, SuggestBody, SuggestionBody, parts};
use bespoke_domain::settings::Scope;
use bespoke_domain::{Candidate, Offset};
use bespoke_engine::Snapshot;
use bespoke_engine::suggest::suggester::{Suggester, Suggestions};
use bespoke_engine::suggest::{Ask, Suggestion, What};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

/// How often what is new is looked for.
const EVERY: Duration = Duration::from_secs(1);

/// What can be suggested.
#[derive(Default)]
pub struct Suggesting {
    /// With the snapshot that it has seen.
    suggester: Mutex<(Suggester, Offset)>,
    current: RwLock<Arc<Suggestions>>,
    is_watched: AtomicBool,
    /// When it is dropped, the thread ends.
    awake: Mutex<Option<Sender<()>>>,
}

impl Suggesting {
    /// What can be suggested now; where no thread keeps it up to date, it is brought up to date first.
    pub fn current(&self, shop: &Shop) -> Arc<Suggestions> {
        if !self.is_watched.load(Ordering::Relaxed) {
            self.renew(shop);
        }
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn renew(&self, shop: &Shop) {
        let mut held = self.suggester.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = shop.live.snapshot();
        let (suggester, seen) = &mut *held;
        if *seen == snapshot.aggregates.offset {
            return;
        }
        let suggestions = Arc::new(suggester.renew(&snapshot, clock::now()));
        *seen = snapshot.aggregates.offset;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = suggestions;
    }

    /// Starts the thread that keeps it up to date as long as the app is there.
    #[allow(clippy::disallowed_methods, reason = "a thread of its own that waits for its next turn")]
    pub fn watch(self: &Arc<Self>, shop: &Arc<Shop>) {
        let (suggesting, shop): (Weak<Self>, Weak<Shop>) = (Arc::downgrade(self), Arc::downgrade(shop));
        let (awake, ended) = channel();
        *self.awake.lock().unwrap_or_else(PoisonError::into_inner) = Some(awake);
        let watch = move || {
            // Of this thread alone, so that shoppers do not wait for it.
            _ = rustix::process::nice(10);
            while let (Some(suggesting), Some(shop)) = (suggesting.upgrade(), shop.upgrade()) {
                suggesting.renew(&shop);
                suggesting.is_watched.store(true, Ordering::Relaxed);
                drop((suggesting, shop));
                if ended.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
        };
        if let Err(error) = std::thread::Builder::new().name("suggest".into()).spawn(watch) {
            tracing::error!(%error, "no thread for suggestions; requests bring them up to date");
        }
    }
}

/// Completes what is typed. Where `timeout` leaves no time, without taste.
pub fn suggest(app: &App, scope: Scope, timeout: Duration, query: &str) -> Result<SuggestBody, ApiError> {
    let asked = AskedSuggest::of_query(query).map_err(ApiError::invalid)?;
    if asked.user_id.is_some() && scope != Scope::Secret {
        return Err(ApiError::new("forbidden_scope", "`user_id` needs a secret key (sk_…)"));
    }
    Ok(answer(app, timeout, asked))
}

/// The same of what was read already.
pub fn answer(app: &App, timeout: Duration, asked: AskedSuggest) -> SuggestBody {
    let started = Instant::now();
    let snapshot = app.shop.live.snapshot();
    let suggestions = app.suggesting.current(&app.shop);
    let known = (asked.user_id.as_ref(), asked.anonymous_id.as_ref());
    let shopper = shopper(&app.shop, &snapshot, known).filter(|_| !app.pace.is_short(timeout));
    let profile = shopper.and_then(|shopper| app.shop.live.profile(shopper));
    let bucket = shopper.map_or(0, |shopper| app.shop.live.bucket(shopper));
    let ask = Ask {
        typed: &asked.q,
        limit: asked.n,
        market: &asked.market,
        locale: &asked.locale,
        now: clock::now(),
        bucket,
    };
    let found = bespoke_engine::suggest::suggest(&snapshot, &suggestions, profile.as_deref(), &ask);
    let body = |list: Vec<Suggestion>| list.into_iter().map(|one| suggestion(&snapshot, one)).collect();
    SuggestBody {
        queries: body(found.queries),
        categories: body(found.categories),
        brands: body(found.brands),
        products: body(found.products),
        personalization: if found.is_personal { "full" } else { "none" }.to_owned(),
        q: asked.q,
        took_ms: started.elapsed().as_millis() as u64,
    }
}

fn suggestion(snapshot: &Snapshot, one: Suggestion) -> SuggestionBody {
    let catalog = &snapshot.aggregates.catalog;
    let (id, item) = match one.what {
        What::Query(_) | What::Brand(_) => (one.text.clone(), None),
        What::Category(category) => (catalog.category_path(category).to_owned(), None),
        What::Product(product) => {
            (catalog.id(product).to_owned(), Some(item_body(snapshot, Candidate::Product(product))))
        }
    };
    SuggestionBody { id, parts: parts(&one.text, &one.marked), text: one.text, item }
}
