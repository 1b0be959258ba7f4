//! What a placement file sets of the models that are learnt: `[models.als]`, a number a parameter.

use super::settings::Reader;
use bespoke_domain::Problem;
use bespoke_domain::settings::ModelUse;
use bespoke_models::learned::LEARNED;
use std::collections::BTreeMap;
use toml::Spanned;

/// `[models.NAME]` by name.
pub(super) type ModelTables = BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<f64>>>;

impl Reader<'_> {
    pub(super) fn models(&mut self, tables: ModelTables) -> Vec<ModelUse> {
        let mut models = Vec::new();
        for (name, params) in tables {
            let at = name.span().start;
            let name = name.into_inner();
            if !LEARNED.iter().any(|spec| spec.name == name) {
                let all: Vec<&str> = LEARNED.iter().map(|spec| spec.name).collect();
                let detail = format!("{name:?} is none of {}", all.join(", "));
                self.fault(at, Problem::new("models", "unknown_name", detail));
            }
            for (param, value) in &params {
                self.check_param(&name, param, value);
            }
            let params = params.into_iter().map(|(param, value)| (param.into_inner(), value.into_inner()));
            models.push(ModelUse { params: params.collect(), model: name });
        }
        models
    }

    /// Nothing is said of a model that is not known: its name is the fault.
    fn check_param(&mut self, model: &str, name: &Spanned<String>, value: &Spanned<f64>) {
        let Some(spec) = LEARNED.iter().find(|spec| spec.name == model) else { return };
        let field = format!("models.{model}.{}", name.get_ref());
        let Some(param) = spec.params.iter().find(|param| param.name == name.get_ref()) else {
            let known: Vec<&str> = spec.params.iter().map(|param| param.name).collect();
            let detail = format!("{model} has no parameter of this name; known: {}", known.join(", "));
            self.fault(name.span().start, Problem::new(field, "unknown_parameter", detail));
            return;
        };
        let ((least, most), value_is) = (param.range, *value.get_ref());
        let is_whole = !param.is_count() || value_is.fract() == 0.0;
        if !(least..=most).contains(&value_is) || !is_whole {
            let kind = if param.is_count() { "a whole number " } else { "" };
            let detail = format!("must be {kind}from {least} to {most}");
            self.fault(value.span().start, Problem::new(field, "out_of_range", detail));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::placements;
    use bespoke_domain::settings::ModelUse;
    use bespoke_models::learned::LEARNED;

    const SHOP: &str = "[shop]\ncurrency = \"EUR\"\ntime_zone = \"UTC\"\n";

    #[test]
    fn what_is_set_of_a_model_is_read() {
        let settings = placements::parse(&format!("{SHOP}[models.als]\nfactors = 128\nunobserved = 0.1\n"));
        let settings = settings.expect("it is as it must be");
        let params = vec![("factors".to_owned(), 128.0), ("unobserved".to_owned(), 0.1)];
        assert_eq!(settings.models, [ModelUse { model: "als".to_owned(), params: params.clone() }]);
        assert_eq!((settings.model("als"), settings.model("slim")), (&params[..], &[][..]));
    }

    #[test]
    fn what_the_default_file_says_of_models_is_what_holds() {
        let text = placements::model_defaults().replace("\n# ", "\n");
        let settings = placements::parse(&format!("{}{text}", placements::DEFAULT)).expect("it can be read");
        assert_eq!(settings.models.len(), LEARNED.len());
        for spec in &LEARNED {
            assert_eq!(spec.values(settings.model(spec.name)), spec.values(&[]), "{}", spec.name);
            assert_eq!(settings.model(spec.name).len(), spec.params.len());
        }
    }

    #[test]
    fn every_fault_has_its_line_and_the_range() {
        let faults = |lines: &str| -> Vec<String> {
            let faults = placements::parse(&format!("{SHOP}{lines}")).expect_err("it has a fault");
            faults.iter().map(|fault| format!("{}: {}", fault.line, fault.problem)).collect()
        };
        let cases = [
            ("[models.alz]\nfactors = 1", "4: models: \"alz\" is none of item_item"),
            (
                "[models.als]\nfactor = 1",
                "5: models.als.factor: als has no parameter of this name; known: factors",
            ),
            ("[models.als]\nfactors = 4", "5: models.als.factors: must be a whole number from 8 to 512"),
            ("[models.als]\nfactors = 8.5", "5: models.als.factors: must be a whole number from 8 to 512"),
            ("[models.als]\n\nunobserved = 2", "6: models.als.unobserved: must be from 0.0001 to 1"),
            ("[models.als]\nunobserved = nan", "5: models.als.unobserved: must be from 0.0001 to 1"),
        ];
        for (lines, said) in cases {
            let found = faults(lines);
            assert!(found.len() == 1 && found[0].starts_with(said), "{lines}: {found:?}");
        }
        assert!(faults("[models.als]\nfactors = \"many\"")[0].starts_with("5: file"));
    }
}
