//! Checking, and what came of it.

use std::fmt;

use stateright::{Checker, Expectation, HasDiscoveries, Model, Path};

use super::known::Known;
use super::setup::{Action, Setup};
use super::state::State;

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Different states.
    pub states: usize,
    /// Ways into them.
    pub transitions: usize,
    /// The longest of the shortest ways to a state.
    pub depth: usize,
    /// What is not so, with a way there.
    pub violations: Vec<Violation>,
    /// What should be possible, and was not seen.
    pub missing: Vec<String>,
}

/// A property that does not hold.
#[derive(Debug, Clone)]
pub struct Violation {
    /// Which one.
    pub property: &'static str,
    /// What happened, step by step.
    pub steps: Vec<String>,
}

impl Setup {
    /// Visits every state, or stops at the first one that must not be.
    pub fn check(self) -> Summary {
        let checker = self.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        let found = checker.discoveries();
        let expects = |property: &str| {
            let properties = checker.model().properties();
            properties.into_iter().find(|known| known.name == property).map(|known| known.expectation)
        };
        let violations = found.iter().filter(|(name, _)| expects(name) == Some(Expectation::Always));
        let violations: Vec<Violation> =
            violations.map(|(property, path)| Violation { property, steps: steps(path) }).collect();
        let wanted = checker.model().properties().into_iter();
        let wanted = wanted.filter(|property| property.expectation == Expectation::Sometimes);
        let missing = wanted.filter(|property| !found.contains_key(property.name));
        let missing = missing.map(|property| property.name.to_owned());
        let rows = checker.model().not_exercised().into_iter().map(|row| format!("the row {row}"));
        Summary {
            states: checker.unique_state_count(),
            transitions: checker.state_count(),
            depth: checker.max_depth(),
            violations,
            missing: missing.chain(rows).collect(),
        }
    }
}

fn steps(path: &Path<State, Action>) -> Vec<String> {
    let moments = path.clone().into_vec();
    moments.iter().filter_map(|(state, action)| action.map(|action| in_words(state, action))).collect()
}

/// What is done, by whom, and what the store holds before.
fn in_words(state: &State, action: Action) -> String {
    let phase = match action {
        Action::Perform(who, _) => state.processes.get(who).map(|process| process.phase),
        _ => None,
    };
    let phase = phase.map_or_else(String::new, |phase| format!("{phase}: "));
    let Known { pair, health } = state.store;
    format!("{phase}{action:?}   [{} {health:?}]", pair.generation)
}

impl Summary {
    /// Whether everything is so that must be so, and was possible that must be possible.
    pub fn is_good(&self) -> bool {
        self.violations.is_empty() && self.missing.is_empty()
    }

    /// Both together: what one has seen need not be seen by the other.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            states: self.states + other.states,
            transitions: self.transitions + other.transitions,
            depth: self.depth.max(other.depth),
            violations: [self.violations, other.violations].concat(),
            missing: self.missing.into_iter().filter(|missing| other.missing.contains(missing)).collect(),
        }
    }

    /// Whether this property does not hold.
    pub fn violates(&self, property: &str) -> bool {
        self.violations.iter().any(|violation| violation.property.starts_with(property))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} states, {} transitions, depth {}", self.states, self.transitions, self.depth)?;
        for Violation { property, steps } in &self.violations {
            write!(f, "\nviolated: {property}\n  {}", steps.join("\n  "))?;
        }
        for missing in &self.missing {
            write!(f, "\nnever seen: {missing}")?;
        }
        Ok(())
    }
}
