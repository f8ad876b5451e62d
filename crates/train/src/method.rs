//! The methods that are compared.

use serde::{Deserialize, Serialize};

/// Where copies come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CopySource {
    /// The reversed net, from the highest hidden code.
    Shadow,
    /// The reversed net with its weights in random order.
    Shuffled,
    /// The inputs with a part dropped.
    Noise,
}

/// What is trained on besides the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrainingMethod {
    /// Nothing.
    Backprop,
    /// Nothing, with dropout.
    Dropout,
    /// Shadows of the net's own codes.
    Shadow,
    /// Shadows, with dropout.
    #[serde(rename = "shadow+dropout")]
    ShadowDropout,
    /// Copies of the inputs with a part dropped: the same loss without the shadow model.
    Noisy,
    /// The same with dropout.
    #[serde(rename = "noisy+dropout")]
    NoisyDropout,
    /// Shadows by weights in random order.
    Shuffled,
}

impl TrainingMethod {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 7] = [
        Self::Backprop,
        Self::Dropout,
        Self::Shadow,
        Self::ShadowDropout,
        Self::Noisy,
        Self::NoisyDropout,
        Self::Shuffled,
    ];

    /// Its name on the command line and in runs.json.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backprop => "backprop",
            Self::Dropout => "dropout",
            Self::Shadow => "shadow",
            Self::ShadowDropout => "shadow+dropout",
            Self::Noisy => "noisy",
            Self::NoisyDropout => "noisy+dropout",
            Self::Shuffled => "shuffled",
        }
    }

    /// Whether real data and copies pass through dropout.
    pub const fn drops(self) -> bool {
        matches!(
            self,
            Self::Dropout | Self::ShadowDropout | Self::NoisyDropout
        )
    }

    pub(super) const fn source(self) -> Option<CopySource> {
        match self {
            Self::Backprop | Self::Dropout => None,
            Self::Shadow | Self::ShadowDropout => Some(CopySource::Shadow),
            Self::Noisy | Self::NoisyDropout => Some(CopySource::Noise),
            Self::Shuffled => Some(CopySource::Shuffled),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_json_and_the_command_line_have_one_name() {
        for method in TrainingMethod::ALL {
            assert_eq!(serde_json::json!(method), method.name());
        }
    }
}
