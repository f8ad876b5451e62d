//! Pictures, as PNG bytes. Each figure is one file that turns facts into a `Panel`, and
//! `canvas` turns panels into pixels.

mod biases;
mod canvas;
mod chain;
mod comparison;
mod contact_sheet;
mod controls;
mod cost;
mod numbers;
mod overview;
pub mod panel;
mod png;
mod shadow;
mod spectrum;
mod theory;
mod vectors;
mod weights;

use rayon::prelude::*;

use canvas::{Canvas, Detail, Place, Weight, picture};
use panel::Panel;

use crate::Result;
use randomlike_core::audit::{
    Audit, BalancedWeights, ChainFacts, LayerFacts, LayerShadow, Section, Spectrum,
};
use randomlike_core::number_format::{counted, figure, grouped};
use randomlike_judge::verdict::Judgement;

use randomlike_core::shadow::theory::Series;
use randomlike_core::shadow::{ChainRun, ChainShadow};

pub use comparison::{ComparisonFigures, PairFigures};
pub use contact_sheet::{ImageShape, Row};
pub use cost::Cost;
pub use overview::{colour as label_colour, label_and_share};

/// Width of every picture in pixels.
const WIDTH: u32 = 1200;
/// Height of a layer's picture.
const HEIGHT: u32 = 470;
/// Height of a picture's heading.
const HEADING: u32 = 50;
/// Characters of a layer's name that go into the name of a file.
const NAME: usize = 60;

/// A picture and what it shows, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figure {
    /// File name: `02-classifier.4-spectrum.png`.
    pub file: String,
    /// What it shows, for those who cannot see it.
    pub alt: String,
    /// The picture.
    pub png: Vec<u8>,
}

/// The pictures of one layer; none of a section that was not measured.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerFigures {
    /// Histogram of the weights, linear and logarithmic.
    pub weights: Option<Figure>,
    /// Sorted biases.
    pub biases: Option<Figure>,
    /// Density and distribution of the singular values.
    pub spectrum: Option<Figure>,
    /// Largest singular values beside those of the controls.
    pub controls: Option<Figure>,
    /// Singular vectors, where they were asked for.
    pub vectors: Option<Figure>,
    /// The error in reverse and forward again, and some coordinates.
    pub shadow: Option<Figure>,
}

/// Every picture of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// One sheet for the whole checkpoint.
    pub overview: Figure,
    /// The layers', in the order of the audit.
    pub layers: Vec<LayerFigures>,
    /// The chains', in the order of the audit; none of one that was not measured.
    pub chains: Vec<Option<Figure>>,
}

impl Figures {
    /// Draws everything that was measured.
    pub fn draw(audit: &Audit, judgement: &Judgement) -> Result<Self> {
        let layers = audit.layers.par_iter().enumerate();
        let chains = audit.chains.par_iter().enumerate();
        let overview = || -> Result<Figure> {
            Ok(Figure {
                file: "overview.png".into(),
                alt: format!("Overview of the {} layers", audit.layers.len()),
                png: overview::draw(audit, judgement)?,
            })
        };
        let layers = || -> Result<_> {
            layers
                .map(|(index, layer)| draw_layer(index, layer))
                .collect::<Result<_>>()
        };
        let chains = || -> Result<_> {
            let chain = |(index, chain): (usize, &ChainFacts)| {
                let facts = measured(&chain.shadow);
                facts
                    .map(|facts| chain_figure(index, &chain.layers, facts))
                    .transpose()
            };
            chains.map(chain).collect::<Result<_>>()
        };
        let (overview, (layers, chains)) = rayon::join(overview, || rayon::join(layers, chains));
        Ok(Self {
            overview: overview?,
            layers: layers?,
            chains: chains?,
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Figure> {
        let of_layers = self
            .layers
            .iter()
            .flat_map(|layer| {
                [
                    &layer.weights,
                    &layer.biases,
                    &layer.spectrum,
                    &layer.controls,
                    &layer.vectors,
                    &layer.shadow,
                ]
            })
            .flatten();
        std::iter::once(&self.overview)
            .chain(of_layers)
            .chain(self.chains.iter().flatten())
    }
}

/// The entries of a layer with the scales of its units divided out.
fn balanced_weights(layer: &LayerFacts) -> Option<&BalancedWeights> {
    layer.balanced.measured()?.weights.measured()
}

/// And its singular values.
fn balanced_spectrum(layer: &LayerFacts) -> Option<&Spectrum> {
    layer.balanced.measured()?.spectrum.measured()
}

fn draw_layer(index: usize, layer: &LayerFacts) -> Result<LayerFigures> {
    let figure = |kind: &str, title: String, panels: Vec<Panel>| {
        layer_figure(index, &layer.name, kind, &title, &panels)
    };
    let weights = layer.weights.measured().and_then(|weights| {
        let title = format!(
            "{} edge weights, {} different, mean {}, sd {}",
            grouped(weights.count),
            grouped(weights.distinct),
            figure_of(weights.mean),
            figure_of(weights.std)
        );
        Some((title, weights::panels(weights, balanced_weights(layer))?))
    });
    let biases = measured(&layer.biases).map(|biases| {
        let title = format!("{} biases, sd {}", biases.count, figure_of(biases.std));
        (title, biases::panel(biases))
    });
    let spectrum = layer.spectrum.measured().and_then(|spectrum| {
        let title = format!(
            "{} singular values, {} in, {} out",
            spectrum.count(),
            layer.fan_in,
            layer.fan_out
        );
        Some((title, spectrum::panels(spectrum, balanced_spectrum(layer))?))
    });
    Ok(LayerFigures {
        weights: weights
            .map(|(title, panels)| figure("weights", title, panels.into()))
            .transpose()?,
        biases: biases
            .map(|(title, panel)| figure("biases", title, vec![panel]))
            .transpose()?,
        spectrum: spectrum
            .map(|(title, panels)| figure("spectrum", title, panels.into()))
            .transpose()?,
        controls: measured(&layer.controls)
            .map(|controls| {
                let title = format!(
                    "largest singular value {}, shuffled {}, Gaussian {}",
                    figure_of(controls.observed),
                    figure_of(controls.shuffled.largest()),
                    figure_of(controls.gaussian.largest())
                );
                let panels = controls::panels(controls, layer.spectrum.measured());
                figure("controls", title, panels)
            })
            .transpose()?,
        vectors: measured(&layer.vectors)
            .and_then(|vectors| Some((vectors, vectors::panels(vectors)?)))
            .map(|(vectors, panels)| {
                let title = format!(
                    "{} singular vectors of each side; residual {}",
                    vectors.vectors.len(),
                    figure_of(vectors.residual)
                );
                figure("vectors", title, panels.into())
            })
            .transpose()?,
        shadow: measured(&layer.shadow)
            .map(|shadow| shadow_figure(index, &layer.name, shadow))
            .transpose()?,
    })
}

/// What comes back of the layer with this index when it is run in reverse and forward again.
pub fn shadow_figure(index: usize, name: &str, shadow: &LayerShadow) -> Result<Figure> {
    let title = format!(
        "in reverse and forward again, {} draws of {}, ρ = {}: error {}, ratio {:.2} ± {:.2}",
        shadow.trials,
        counted(shadow.k as u64, "positive coordinate"),
        figure_of(shadow.rho),
        figure_of(shadow.layer.calibrated.relative_error.mean),
        shadow.ratio.mean,
        shadow.ratio.error
    );
    layer_figure(index, name, "shadow", &title, &shadow::panels(shadow))
}

fn layer_figure(
    index: usize,
    name: &str,
    kind: &str,
    title: &str,
    panels: &[Panel],
) -> Result<Figure> {
    let file = format!("{:02}-{}-{kind}.png", index + 1, slug(name));
    let alt = format!("{kind} of {name}: {title}");
    let png = side_by_side(&file, name, title, panels)?;
    Ok(Figure { file, alt, png })
}

/// What comes back along a chain.
pub fn chain_figure(index: usize, layers: &[String], chain: &ChainShadow) -> Result<Figure> {
    let (file, name) = chain_file(index, layers, "errors");
    let sizes: Vec<String> = chain.sizes.iter().map(ToString::to_string).collect();
    let kept: Vec<String> = chain.k.iter().map(ToString::to_string).collect();
    let title = format!("{} units, k = {}", sizes.join(" → "), kept.join(", "));
    let png = side_by_side(&file, &name, &title, &chain::panels(chain))?;
    let alt = format!("error along the chain {name}: {title}");
    Ok(Figure { file, alt, png })
}

/// Shadow samples of a chain as pictures, beside the real inputs where there are any.
pub fn contact_sheet(
    index: usize,
    layers: &[String],
    run: &ChainRun,
    shape: ImageShape,
) -> Result<Figure> {
    let (file, name) = chain_file(index, layers, "samples");
    let title = "shadow samples; each picture is scaled to its own range";
    let rows = contact_sheet::of_chain(run);
    let png = contact_sheet::draw(&file, &name, title, &rows, shape)?;
    let alt = format!("shadow samples of the chain {name}");
    Ok(Figure { file, alt, png })
}

/// The theorem on random nets.
pub fn theory_figure(series: &[Series]) -> Result<Figure> {
    let file = "theory.png".to_owned();
    let name = "Random Gaussian nets, in reverse and forward again";
    let title = "error of the positive coordinates, constant biases chosen on other draws";
    let png = side_by_side(&file, name, title, &theory::panels(series))?;
    Ok(Figure {
        alt: format!("{name}: {title}"),
        file,
        png,
    })
}

/// What parts of an audit take of square layers, wall time and CPU time.
pub fn cost_figure(costs: &[Cost], title: &str) -> Result<Figure> {
    let file = "cost.png".to_owned();
    let name = "Cost of an audit against the side of a square layer";
    let png = side_by_side(&file, name, title, &cost::panels(costs))?;
    Ok(Figure {
        alt: format!("{name}: {title}"),
        file,
        png,
    })
}

/// Panels two in a row under a heading, as a picture called `file`.
pub fn grid_figure(file: &str, name: &str, title: &str, panels: &[Panel]) -> Result<Figure> {
    Ok(Figure {
        file: file.to_owned(),
        alt: format!("{name}: {title}"),
        png: grid(file, name, title, panels)?,
    })
}

/// Shadow samples by class beside their originals.
pub fn sample_sheet(name: &str, rows: &[Row], shape: ImageShape) -> Result<Figure> {
    let file = "samples-by-class.png".to_owned();
    let title = "originals and their shadows; each picture is scaled to its own range";
    let png = contact_sheet::draw(&file, name, title, rows, shape)?;
    Ok(Figure {
        alt: format!("{name}: {title}"),
        file,
        png,
    })
}

/// Panels two in a row, under a heading.
fn grid(what: &str, name: &str, title: &str, panels: &[Panel]) -> Result<Vec<u8>> {
    let rows = u32::try_from(panels.len().div_ceil(2)).unwrap_or(1).max(1);
    let high = HEIGHT - HEADING;
    picture(what, WIDTH, HEADING + rows * high, |canvas| {
        heading(canvas, WIDTH, name, title)?;
        panels.iter().zip(0..).try_for_each(|(panel, i)| {
            let place = Place {
                left: i % 2 * (WIDTH / 2),
                top: HEADING + i / 2 * high,
                width: WIDTH / 2 - 6,
                height: high - 4,
            };
            canvas.panel(panel, place, Detail::Full)
        })
    })
}

fn chain_file(index: usize, layers: &[String], kind: &str) -> (String, String) {
    let name = layers.join(" → ");
    let ends = [layers.first(), layers.last()];
    let ends: Vec<String> = ends.into_iter().flatten().map(|end| slug(end)).collect();
    let file = format!("chain-{:02}-{}-{kind}.png", index + 1, ends.join("-to-"));
    (file, name)
}

const fn measured<T>(section: &Section<T>) -> Option<&T> {
    section.measured()
}

/// A number as the pictures write it, with a true minus sign.
fn figure_of(value: f64) -> String {
    figure(value).replace('-', "−")
}

/// One or two panels under a heading; a single one leaves its right half free.
fn side_by_side(what: &str, name: &str, title: &str, panels: &[Panel]) -> Result<Vec<u8>> {
    let width = WIDTH / 2;
    let whole = if panels.len() > 1 {
        WIDTH
    } else {
        width + width / 3
    };
    picture(what, whole, HEIGHT, |canvas| {
        heading(canvas, whole, name, title)?;
        let each = if panels.len() > 1 { width } else { whole };
        panels.iter().zip(0..).try_for_each(|(panel, i)| {
            let place = Place {
                left: i * each,
                top: HEADING,
                width: each - 6,
                height: HEIGHT - HEADING - 4,
            };
            canvas.panel(panel, place, Detail::Full)
        })
    })
}

fn heading(canvas: &Canvas<'_>, width: u32, name: &str, title: &str) -> Result<()> {
    let name = canvas.fitted(&printable(name), width - 40, 17, Weight::Bold);
    canvas.text(&name, (20, 8), 17, Weight::Bold, false)?;
    canvas.text(title, (20, 28), 13, Weight::Quiet, false)
}

/// The first characters of `text`, those the font does not have as a sign that says so.
fn printable(text: &str) -> String {
    const MOST: usize = 200;
    let drawn = |c: char| {
        let known = matches!(c, ' '..='~' | '\u{a0}'..='\u{24f}' | '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{45f}')
            || matches!(c, '\u{2010}'..='\u{2027}' | '\u{2070}'..='\u{209c}' | '\u{2190}'..='\u{2265}');
        if known { c } else { '\u{fffd}' }
    };
    text.chars().take(MOST).map(drawn).collect()
}

/// A layer's name as a part of a file name.
fn slug(name: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
            c
        } else {
            '-'
        }
    };
    name.chars().take(NAME).map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::example as facts;
    use randomlike_judge::policy::Policy;
    use randomlike_judge::verdict::judge;

    #[test]
    fn file_names_hold_nothing_a_shell_or_a_file_system_minds() {
        assert_eq!(slug("a/b c:0<script>"), "a-b-c-0-script-");
        assert_eq!(slug(&"é".repeat(900)).len(), NAME);
        assert_eq!(printable("a\u{202e}b\n"), "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn what_was_not_measured_has_no_picture() {
        let audit = facts::audit(vec![facts::layer("a"), facts::unmeasured("b")]);
        let judgement = judge(&audit, &Policy::default()).unwrap();
        let figures = Figures::draw(&audit, &judgement).unwrap();
        assert!(figures.layers[0].spectrum.is_some() && figures.layers[0].biases.is_some());
        assert!(figures.layers[0].shadow.is_some() && figures.layers[1].shadow.is_none());
        assert_eq!(figures.layers[1].weights, None);
        assert!(figures.iter().all(|f| f.png.starts_with(b"\x89PNG")));
    }

    #[test]
    fn a_name_nobody_could_print_is_drawn_all_the_same() {
        let name = format!("<b>\u{1b}[31m{}", "long".repeat(3000));
        let audit = facts::audit(vec![facts::layer(&name)]);
        let judgement = judge(&audit, &Policy::default()).unwrap();
        let figures = Figures::draw(&audit, &judgement).unwrap();
        assert!(figures.iter().all(|f| f.file.len() < 100));
    }
}
