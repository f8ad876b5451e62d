//! Shadows of a trained net, class by class.

use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::copies::copies;
use super::data::Dataset;
use super::experiment::{Experiment, net_file};
use super::gradient::Batch;
use super::matrix::Matrix;
use super::method::{CopySource, TrainingMethod};
use super::method_settings::{MethodSettings, Recipe};
use super::net::{self, Net};
use super::state;
use super::{Error, fault};
use randomlike_report::figures::Row;

/// Images of a class that are shown.
const SHOWN: usize = 12;

/// Test images of each class and their shadows, by the net of the first seed and the first
/// method that trains on shadows, else the first method; nothing without a run.
pub fn samples(
    data: &Dataset,
    experiment: &Experiment,
    folder: impl AsRef<Path>,
) -> Result<Option<Vec<Row>>, Error> {
    let folder = folder.as_ref();
    let shadow = |arm: &&MethodSettings| {
        matches!(
            arm.method,
            TrainingMethod::Shadow | TrainingMethod::ShadowDropout
        )
    };
    let arms = &experiment.arms;
    let chosen = arms.iter().find(shadow).or(arms.first());
    let (Some(MethodSettings { method, recipe, .. }), Some(seed)) =
        (chosen, experiment.seeds.first())
    else {
        return Ok(None);
    };
    let net = state::read_net(&net_file(folder, *method, *seed))?;
    let mut rng = ChaCha8Rng::seed_from_u64(*seed);
    let mut rows = Vec::new();
    for class in 0..data.classes.min(SHOWN) {
        let labels = data.test.labels.iter().enumerate();
        let of_class = labels.filter(|(_, label)| usize::from(**label) == class);
        let images: Vec<usize> = of_class.map(|(image, _)| image).take(SHOWN).collect();
        if images.is_empty() {
            continue;
        }
        let size = data.shape.length().unwrap_or(0);
        let pixels = images
            .iter()
            .flat_map(|&image| &data.test.pixels[image * size..][..size]);
        let pixels: Vec<f32> = pixels.map(|&p| f32::from(p) / 255.0).collect();
        let batch = Batch {
            inputs: Matrix {
                rows: images.len(),
                cols: size,
                entries: pixels,
            },
            labels: vec![class as u8; images.len()],
        };
        let (shadows, right) = shadows_of(&net, &batch, recipe, &mut rng)?;
        rows.push(Row {
            caption: format!("class {class}"),
            samples: lines(&batch.inputs),
        });
        rows.push(Row {
            caption: format!(
                "their shadows by {}; {right} of {} are given the class",
                method.name(),
                images.len()
            ),
            samples: shadows,
        });
    }
    Ok(Some(rows))
}

fn shadows_of(
    net: &Net,
    batch: &Batch,
    recipe: &Recipe,
    rng: &mut ChaCha8Rng,
) -> Result<(Vec<Vec<f32>>, usize), Error> {
    let clean = net.forward(&batch.inputs, &[]);
    let copies = copies(net, &clean, CopySource::Shadow, recipe, rng);
    let copies = copies.ok_or_else(|| fault("the net's weights give no shadow".into()))?;
    let given = net::argmax(&net.forward(&copies, &[]).logits);
    let pairs = given.iter().zip(&batch.labels);
    let right = pairs.filter(|(given, label)| given == label);
    Ok((lines(&copies), right.count()))
}

fn lines(images: &Matrix) -> Vec<Vec<f32>> {
    images.each_row().map(<[f32]>::to_vec).collect()
}
