//! Every target on its seeds and on what a byte changed, left out or doubled makes of them; libFuzzer goes further.

use bespoke_fuzz::TARGETS;

#[test]
fn every_target_takes_its_seeds_and_what_is_near_them() {
    for target in &TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has no seed", target.name);
        for seed in &seeds {
            (target.run)(seed);
            for at in 0..seed.len().min(300) {
                let (before, after) = seed.split_at(at);
                (target.run)(before);
                (target.run)(&[before, &after[1..]].concat());
                (target.run)(&[before, &[after[0] ^ (1 << (at % 8))], &after[1..]].concat());
            }
        }
    }
}
