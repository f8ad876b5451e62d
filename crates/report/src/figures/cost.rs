//! Time against the side of a square layer, on logarithmic axes.

use super::panel::{Axis, Mark, Panel, Role, Scale};
use randomlike_maths::stats::PowerFit;

/// Time of one part of an audit.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// The part.
    pub part: String,
    /// Side of the layer and seconds of wall time, by rising side.
    pub wall: Vec<(f64, f64)>,
    /// The same of CPU time; empty where the system does not tell it.
    pub cpu: Vec<(f64, f64)>,
}

impl Cost {
    /// Sides from which on the fit is drawn: below, what is done once a layer shows.
    pub const LARGE: f64 = 1024.0;

    /// The power of the side that points from [`Self::LARGE`] on follow.
    pub fn of_large(points: &[(f64, f64)]) -> Option<PowerFit> {
        let large = points.iter().copied().filter(|&(x, _)| x >= Self::LARGE);
        PowerFit::fit(&large.collect::<Vec<_>>())
    }
}

const SIDE: &str = "side of the layer, inputs = outputs";
const PARTS: [Role; 5] = [
    Role::Alternative,
    Role::Measured,
    Role::Outlier,
    Role::Law,
    Role::Reference,
];

/// Wall time, and CPU time where there is any.
pub(super) fn panels(costs: &[Cost]) -> Vec<Panel> {
    let of = |points: fn(&Cost) -> &[(f64, f64)], label| panel(costs, points, label);
    [
        of(|cost| &cost.wall, "wall time, seconds"),
        of(|cost| &cost.cpu, "CPU time, seconds"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn panel(costs: &[Cost], of: fn(&Cost) -> &[(f64, f64)], label: &str) -> Option<Panel> {
    let drawn = |&(_, y): &(f64, f64)| y > 0.0;
    let all: Vec<(f64, f64)> = costs.iter().flat_map(of).copied().collect();
    let all: Vec<(f64, f64)> = all.iter().filter(|at| drawn(at)).map(place).collect();
    if all.is_empty() {
        return None;
    }
    let x = axis(all.iter().map(|at| at.0), 0.2, Scale::Log2, SIDE);
    let y = axis(all.iter().map(|at| at.1), 0.15, Scale::Log10, label);
    let right = x.to;
    let mut panel = Panel::new(x, y);
    for (cost, role) in costs.iter().zip(PARTS.into_iter().cycle()) {
        let points: Vec<(f64, f64)> = of(cost).iter().filter(|at| drawn(at)).map(place).collect();
        let fit = Cost::of_large(of(cost));
        let name = fit.map_or_else(
            || cost.part.clone(),
            |fit| format!("{}, side^{:.2}", cost.part, fit.exponent),
        );
        panel = panel.named(Mark::Dots(role, points), name);
        if let Some(fit) = fit {
            let line = [Cost::LARGE, right.exp2()].map(|side| place(&(side, fit.at(side))));
            panel = panel.bare(Mark::Dashes(role, line.into()));
        }
    }
    Some(panel)
}

fn place(&(side, seconds): &(f64, f64)) -> (f64, f64) {
    (side.log2(), seconds.log10())
}

fn axis(values: impl Iterator<Item = f64> + Clone, room: f64, scale: Scale, label: &str) -> Axis {
    Axis {
        from: values.clone().fold(f64::INFINITY, f64::min) - room,
        to: values.fold(f64::NEG_INFINITY, f64::max) + room,
        label: label.to_owned(),
        scale,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(cpu: bool) -> Cost {
        let wall: Vec<(f64, f64)> = [256.0, 1024.0, 2048.0, 4096.0_f64]
            .map(|side| (side, 0.01 + 1e-9 * side.powi(3)))
            .into();
        Cost {
            part: "spectrum".into(),
            cpu: if cpu { wall.clone() } else { Vec::new() },
            wall,
        }
    }

    #[test]
    fn a_panel_a_clock_and_a_line_a_part() {
        assert_eq!(panels(&[cost(false)]).len(), 1);
        let panels = panels(&[cost(true), cost(true)]);
        assert_eq!(panels.len(), 2);
        let panel = &panels[0];
        assert!((panel.x.from - 7.8).abs() < 1e-12 && (panel.x.to - 12.2).abs() < 1e-12);
        let name = panel.series[0].name.as_deref().unwrap();
        assert!(name.starts_with("spectrum, side^2.9"), "{name}");
        let Mark::Dashes(_, line) = &panel.series[1].mark else {
            panic!("the fit comes after its dots");
        };
        assert!((line[0].0 - 10.0).abs() < 1e-12);
    }

    #[test]
    fn what_took_no_time_is_not_drawn() {
        let mut cost = cost(false);
        cost.wall[0].1 = 0.0;
        let panels = panels(&[cost]);
        let Mark::Dots(_, points) = &panels[0].series[0].mark else {
            panic!("dots come first");
        };
        assert_eq!(points.len(), 3);
    }
}
