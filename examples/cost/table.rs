//! The table: a line a size and part.

use std::fmt;

use randomlike::report::figures::Cost;

use crate::clock::Seconds;

pub const HEADER: &str = "side\tpart\tturns\twall_s\twall_low_s\twall_high_s\tcpu_s";

/// Medians of some turns, and the range of the wall time.
pub struct Row {
    side: usize,
    part: String,
    turns: usize,
    wall: f64,
    low: f64,
    high: f64,
    cpu: Option<f64>,
}

impl Row {
    pub fn of(side: usize, part: &str, turns: impl Iterator<Item = Seconds>) -> Self {
        let (mut wall, mut cpu): (Vec<f64>, Vec<Option<f64>>) =
            turns.map(|turn| (turn.wall, turn.cpu)).unzip();
        wall.sort_by(f64::total_cmp);
        cpu.sort_by(|a, b| a.unwrap_or(-1.0).total_cmp(&b.unwrap_or(-1.0)));
        let middle = wall.len() / 2;
        Self {
            side,
            part: part.to_owned(),
            turns: wall.len(),
            wall: wall[middle],
            low: wall[0],
            high: wall[wall.len() - 1],
            cpu: cpu[middle],
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            side, part, turns, ..
        } = self;
        let (wall, low, high) = (self.wall, self.low, self.high);
        write!(f, "{side}\t{part}\t{turns}\t{wall:.5}\t{low:.5}\t{high:.5}")?;
        match self.cpu {
            Some(cpu) => write!(f, "\t{cpu:.5}"),
            None => write!(f, "\t-"),
        }
    }
}

/// The parts of a table in the order they come first.
pub fn read(text: &str) -> Result<Vec<Cost>, String> {
    let mut costs: Vec<Cost> = Vec::new();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    for line in lines.filter(|&line| line != HEADER) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [side, part, _, wall, _, _, cpu] = cells[..] else {
            return Err(format!("not a row of the table: `{line}`"));
        };
        let number = |cell: &str| {
            let number = cell.parse::<f64>();
            number.map_err(|_| format!("not a number: `{cell}` in `{line}`"))
        };
        let at = costs.iter().position(|cost| cost.part == part);
        let at = at.unwrap_or_else(|| {
            costs.push(Cost {
                part: part.to_owned(),
                wall: Vec::new(),
                cpu: Vec::new(),
            });
            costs.len() - 1
        });
        let side = number(side)?;
        costs[at].wall.push((side, number(wall)?));
        if cpu != "-" {
            costs[at].cpu.push((side, number(cpu)?));
        }
    }
    if costs.is_empty() {
        return Err("the table has no rows".to_owned());
    }
    Ok(costs)
}
