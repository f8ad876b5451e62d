//! What can be checked: one file a check, and one line here that registers it.
//!
//! A check's file has its name, what it says and leaves open, its table of the policy, the
//! numbers it asks for and how it judges: [`CheckDefinition`]. Policies, reports and the formats
//! of CI servers go through [`Check::ALL`]. docs/contributing.md adds one step by step.

mod definition;
mod finding;
mod rule;
mod up_to_scales;

use std::fmt;

use serde::{Serialize, Serializer};

pub(crate) use baseline::can_get_worse;
pub use definition::{Case, CheckDefinition, LimitRange, Subject};
pub use finding::{
    Finding, FindingOutcome, FindingValue, LimitKind, Ruling, Severity, SkipReason, Unit,
};
pub(crate) use rule::{BesideBaseline, FigureBeside, FigureState, Rule};

macro_rules! register {
    ($($module:ident: $Variant:ident,)*) => {
        $(mod $module;)*

        /// Everything that can be checked, in the order in which it is reported. One vocabulary in
        /// policies, JSON, reports and docs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Check {
            $(
                #[doc = concat!("Defined in `checks/", stringify!($module), ".rs`.")]
                $Variant,
            )*
        }

        impl Check {
            /// Every check, in the order in which it is reported.
            pub const ALL: [Self; [$(stringify!($Variant)),*].len()] = [$(Self::$Variant),*];

            /// What it is and how it judges.
            #[must_use]
            pub const fn definition(self) -> &'static CheckDefinition {
                match self {
                    $(Self::$Variant => &$module::CHECK,)*
                }
            }
        }
    };
}

register! {
    weights_only: WeightsOnly,
    covered: Covered,
    finite: Finite,
    weights_gaussian: WeightsGaussian,
    moved_from_initialisation: MovedFromInitialisation,
    biases_constant: BiasesConstant,
    quarter_circle: QuarterCircle,
    spectral_edge: SpectralEdge,
    level_spacing: LevelSpacing,
    shadow_reversible: ShadowReversible,
    baseline: Baseline,
}

impl Check {
    /// Its name in policies, JSON, reports and docs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.definition().name
    }

    /// What it is about.
    #[must_use]
    pub const fn subject(self) -> Subject {
        self.definition().subject
    }

    /// Those that need no earlier audit beside the one they judge.
    pub fn of_one_audit() -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(|check| check.subject() != Subject::Baseline)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod worked_example;
