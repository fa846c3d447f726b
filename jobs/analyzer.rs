//! The analyzers of articles: models, best first, and the lexicon when no model can read.

use bellwether_domain::lexicon;
use bellwether_providers::{
    self as providers, ConfigError, Price, Prompt, Reading,
    catalog::{Entry, Serves},
};

use crate::permit::Granted;

/// Version of the prompt that `providers` sends to a model; a new one makes every article be read
/// again.
const PROMPT: &str = "1";
/// The limit key under which the lexicon serves a lane of models; it has no windows.
pub(crate) const LEXICON: &str = "lexicon";

const RANK_OF_LEXICON: i16 = 10;
const RANK_OF_BEST: i16 = 50;
/// Difference in rank between a model and the next one in the order.
const STEP: i16 = 5;

/// A model as configured.
#[derive(Clone, Debug)]
pub struct Model {
    pub provider: &'static Entry,
    pub access: providers::Settings,
    pub name: String,
    pub price: Price,
}

impl Model {
    /// Tokens cost nothing unless the model is priced.
    pub fn new(provider: &'static Entry, access: providers::Settings, name: &str) -> Self {
        Self { provider, access, name: name.to_owned(), price: Price::default() }
    }

    #[must_use]
    pub fn priced(mut self, price: Price) -> Self {
        self.price = price;
        self
    }

    /// Makes no network calls. Fails if no request could be made with the settings.
    pub fn analyzer(&self) -> Result<Analyzer, ConfigError> {
        let Serves::Models(models) = self.provider.serves else {
            let problem = "it has no models".to_owned();
            return Err(ConfigError { setting: self.provider.name, problem });
        };
        let client = (models.connect)(&self.access, &self.name, self.price)?;
        Ok(Analyzer(Some((self.provider, client))))
    }
}

/// An analyzer of articles: a model, or the lexicon.
#[derive(Debug)]
pub struct Analyzer(Option<(&'static Entry, Box<dyn providers::Analyzer>)>);

impl Analyzer {
    pub const LEXICON: Self = Self(None);

    /// The name under which its readings are kept: engine, model and prompt.
    pub fn name(&self) -> String {
        match self.key() {
            Some(key) => format!("{key}/{PROMPT}"),
            None => lexicon::ANALYZER.to_owned(),
        }
    }

    /// The limit key of a model; `None` for the lexicon, which needs no permit.
    pub fn key(&self) -> Option<&str> {
        self.client().map(|(_, client)| client.key())
    }

    /// A model with its provider; `None` for the lexicon.
    pub fn client(&self) -> Option<(&'static Entry, &dyn providers::Analyzer)> {
        self.0.as_ref().map(|(entry, client)| (*entry, client.as_ref()))
    }

    /// Price of its tokens.
    pub fn price(&self) -> Price {
        self.client().map(|(_, client)| client.price()).unwrap_or_default()
    }

    pub(crate) const fn prompt_version() -> &'static str {
        PROMPT
    }

    /// `None` from the lexicon.
    pub(crate) async fn read(
        &self,
        prompt: &Prompt,
        repeats: u32,
        permit: &Granted<'_>,
    ) -> providers::Result<Option<Reading>> {
        match self.client() {
            Some((_, client)) => client.read(prompt, repeats, permit).await.map(Some),
            None => Ok(None),
        }
    }
}

/// All analyzers in their order, the lexicon last.
#[derive(Debug)]
pub struct Analyzers(Vec<Analyzer>);

impl Analyzers {
    pub(crate) fn new(models: &[Model]) -> Result<Self, ConfigError> {
        let models: Result<Vec<_>, _> = models.iter().map(Model::analyzer).collect();
        Ok(Self(models?.into_iter().chain([Analyzer::LEXICON]).collect()))
    }

    /// The first choice.
    pub fn best(&self) -> &Analyzer {
        self.0.first().expect("the lexicon is always there")
    }

    pub fn lexicon(&self) -> &Analyzer {
        self.0.last().expect("the lexicon is always there")
    }

    pub fn models(&self) -> &[Analyzer] {
        &self.0[..self.0.len() - 1]
    }

    /// The analyzer that serves under a limit key: without one, or under its own, the lexicon.
    /// `None`: a model that is no longer configured.
    pub fn under(&self, key: Option<&str>) -> Option<&Analyzer> {
        match key {
            None | Some(LEXICON) => Some(self.lexicon()),
            key => self.0.iter().find(|analyzer| analyzer.key() == key),
        }
    }

    /// Rank of an analyzer: the reading with the higher one counts, whatever their ages.
    pub(crate) fn rank(&self, analyzer: &Analyzer) -> i16 {
        let place = self.models().iter().position(|model| model.key() == analyzer.key());
        place.map_or(RANK_OF_LEXICON, |place| {
            let place = i16::try_from(place).unwrap_or(i16::MAX);
            RANK_OF_BEST.saturating_sub(place.saturating_mul(STEP)).max(RANK_OF_LEXICON + 1)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_key_that_served_the_claim_names_the_reader() {
        let access = providers::Settings {
            base_url: "http://127.0.0.1:1".parse().unwrap(),
            key: "k".to_owned().into(),
            timeout: Duration::from_secs(1),
        };
        let entry = |name| Entry::find(name).unwrap();
        let models = [
            Model::new(entry("gemini"), access.clone(), "a"),
            Model::new(entry("openai"), access, "b"),
        ];
        let analyzers = Analyzers::new(&models).unwrap();
        let names = |key| analyzers.under(key).map(Analyzer::name);
        assert_eq!(analyzers.best().name(), "gemini/a/1");
        assert_eq!(names(Some("gemini/a")).as_deref(), Some("gemini/a/1"));
        assert_eq!(names(Some("openai/b")).as_deref(), Some("openai/b/1"));
        assert_eq!(names(Some(LEXICON)).as_deref(), Some(lexicon::ANALYZER));
        assert_eq!(names(None).as_deref(), Some(lexicon::ANALYZER));
        assert_eq!(names(Some("gemini/gone")), None);
        let ranks: Vec<i16> = analyzers.0.iter().map(|a| analyzers.rank(a)).collect();
        assert_eq!(ranks, [50, 45, 10]);
        assert_eq!(Analyzers::new(&[]).unwrap().best().name(), lexicon::ANALYZER);
    }
}
