//! What one layer takes by stage, beside the model behind the estimate of the time left.
//!
//! `cargo run --release --example layer_cost -- 4096x9216 4096x4096 1000x4096` writes a checkpoint
//! of normal F32 weights of each shape (outputs x inputs) in a temporary folder, measures it, and
//! prints the seconds of each stage, and the share of the whole that the model gives it.

use std::error::Error;
use std::time::Instant;

use randomlike::analysis::{self, Options};
use randomlike::checkpoint::Checkpoint;
use randomlike::synth;

fn main() -> Result<(), Box<dyn Error>> {
    println!("layer        stage                  seconds  share  by the model");
    for shape in std::env::args().skip(1) {
        let (outputs, inputs) = shape.split_once('x').ok_or("give shapes as 4096x9216")?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("layer.safetensors");
        let how = synth::Options {
            inputs: inputs.parse()?,
            outputs: outputs.parse()?,
            ..synth::Options::default()
        };
        synth::write(synth::Kind::Gaussian, &how, &file)?;
        let checkpoint = Checkpoint::open(&file)?;
        let mut stages = Vec::new();
        let start = Instant::now();
        analysis::measure(&checkpoint, &Options::default(), &mut |progress| {
            stages.push((progress.stage, start.elapsed().as_secs_f64(), progress.done));
        })?;
        let whole = start.elapsed().as_secs_f64();
        stages.push(("", whole, 1.0));
        for pair in stages.windows(2) {
            let [(stage, from, done), (_, to, next)] = [pair[0], pair[1]];
            let (seconds, model) = (to - from, next - done);
            println!(
                "{shape:<12} {stage:<22} {seconds:>7.3}  {:>5.3}  {model:>5.3}",
                seconds / whole
            );
        }
    }
    Ok(())
}
