//! What reading a placement file changes: what it says otherwise than when it was last read. All else stays as it is, whoever set it: a
//! person by a call, a guard that stopped what did harm, the ladder. So reading the same file again changes nothing.

use bespoke_domain::challenge::{Challenge, Stage};
use bespoke_domain::{Placement, Settings};

/// The settings after a file was read.
///
/// What has a name – placements, content, segments, experiments – is told apart by it; of the rest each table is one thing. What the file
/// had and has no more is gone; what it never had stays, unless it needs a placement that is gone. What was promoted answers on: what the file says of the champion is what comes
/// back once the promotion is taken back.
pub fn merged(in_force: &Settings, file: Settings) -> Settings {
    let read = in_force.file.as_deref().unwrap_or(in_force);
    let mut settings = Settings {
        shop: table(&read.shop, &in_force.shop, &file.shop),
        placements: named([&read.placements, &in_force.placements, &file.placements], |one| &one.name),
        content: named([&read.content, &in_force.content, &file.content], |one| &one.name),
        segments: named([&read.segments, &in_force.segments, &file.segments], |one| &one.name),
        clutter: table(&read.clutter, &in_force.clutter, &file.clutter),
        canonical: table(&read.canonical, &in_force.canonical, &file.canonical),
        models: table(&read.models, &in_force.models, &file.models),
        search: table(&read.search, &in_force.search, &file.search),
        holdout: table(&read.holdout, &in_force.holdout, &file.holdout),
        attribution: table(&read.attribution, &in_force.attribution, &file.attribution),
        experiments: named([&read.experiments, &in_force.experiments, &file.experiments], |one| &one.name),
        challenges: in_force.challenges.clone(),
        watch: table(&read.watch, &in_force.watch, &file.watch),
        file: None,
    };
    drop_what_misses_its_placements(&mut settings, &file);
    let Settings { placements, challenges, .. } = &mut settings;
    let promoted = challenges.iter_mut().filter(|one| one.stage == Stage::Promoted);
    promoted.for_each(|one| answer_on(one, placements, &in_force.placements));
    settings.file = Some(Box::new(file));
    settings
}

/// What is gone of what was set by calls: names of experiments and challenges.
pub fn gone(in_force: &Settings, now: &Settings) -> Vec<String> {
    let read = in_force.file.as_deref();
    let was_read = |name: &str| read.is_some_and(|read| read.experiments.iter().any(|one| one.name == name));
    let experiments = in_force.experiments.iter().map(|one| &one.name);
    let experiments = experiments
        .filter(|name| !was_read(name) && now.experiments.iter().all(|one| one.name != **name))
        .map(|name| format!("experiment {name:?}"));
    let challenges = in_force.challenges.iter().map(|one| &one.name);
    let challenges = challenges
        .filter(|name| now.challenges.iter().all(|one| one.name != **name))
        .map(|name| format!("challenge {name:?}"));
    experiments.chain(challenges).collect()
}

fn table<T: PartialEq + Clone>(read: &T, in_force: &T, file: &T) -> T {
    if file == read { in_force.clone() } else { file.clone() }
}

/// Of lists by name – as last read, in force, and in the file – what holds now, in the order of the file.
fn named<T: PartialEq + Clone>([read, in_force, file]: [&[T]; 3], name: fn(&T) -> &str) -> Vec<T> {
    let find = |list: &[T], wanted: &str| list.iter().find(|one| name(one) == wanted).cloned();
    let said = file.iter().filter_map(|one| match find(read, name(one)) {
        Some(held) if held == *one => find(in_force, name(one)),
        _ => Some(one.clone()),
    });
    let is_own = |one: &&T| find(read, name(one)).is_none() && find(file, name(one)).is_none();
    said.chain(in_force.iter().filter(is_own).cloned()).collect()
}

/// Experiments and challenges that need a placement that is gone go with it, as does a challenge whose name the file gives to an experiment of its own.
fn drop_what_misses_its_placements(settings: &mut Settings, file: &Settings) {
    let Settings { placements, experiments, challenges, .. } = settings;
    let has = |name: &String| placements.iter().any(|one| one.name == *name);
    let is_taken = |name: &str| file.experiments.iter().any(|one| one.name == name);
    let (kept, lost): (Vec<Challenge>, Vec<Challenge>) = std::mem::take(challenges)
        .into_iter()
        .partition(|one| has(&one.champion) && has(&one.challenger) && !is_taken(&one.name));
    *challenges = kept;
    experiments.retain(|one| {
        let mut uses = one.arms.iter().flat_map(|arm| &arm.uses).map(|(_, used)| used);
        let is_lost = lost.iter().any(|lost| lost.name == one.name) && !is_taken(&one.name);
        !is_lost && one.placements.iter().all(has) && uses.all(has)
    });
}

/// Lets a promoted challenger answer on where the file has changed its champion.
fn answer_on(challenge: &mut Challenge, placements: &mut [Placement], before: &[Placement]) {
    let find = |list: &[Placement]| list.iter().position(|one| one.name == challenge.champion);
    let (Some(at), Some(was)) = (find(placements), find(before)) else { return };
    if placements[at] != before[was] {
        let said = std::mem::replace(&mut placements[at], before[was].clone());
        challenge.before = Some(Box::new(said));
    }
}
