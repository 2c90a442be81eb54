//! Lines over a logarithmic axis, as SVG: panels side by side on a white ground, so that it reads in light and dark pages
//! alike. Knows nothing of what is drawn.

use std::fmt::Write;

/// One line of a panel.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    /// By their place on the x axis, from 1 on.
    pub(crate) points: Vec<(f64, f64)>,
}

/// How far apart values are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// From zero.
    Linear,
    Log,
}

/// A y axis and its lines; all panels share the x axis's form.
pub(crate) struct Panel {
    pub(crate) title: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) scale: Scale,
    pub(crate) series: Vec<Series>,
}

const PANEL_WIDTH: f64 = 440.0;
const HEIGHT: f64 = 340.0;
/// Room around the plot within a panel: left, right, above, below.
const LEFT: f64 = 66.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 52.0;

/// One for each series; told apart by who sees no red or no green, too.
const COLOURS: [&str; 2] = ["#0b62c4", "#c2570c"];

/// The picture as a whole document; `x_unit` says what the x axis counts.
pub(crate) fn drawn(x_unit: &str, panels: &[Panel]) -> String {
    let mut width = 0.0;
    let mut body = String::new();
    for panel in panels {
        push_panel(&mut body, x_unit, width, panel);
        width += PANEL_WIDTH;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" width=\"{width}\" \
         height=\"{HEIGHT}\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

fn push_panel(text: &mut String, x_unit: &str, offset: f64, panel: &Panel) {
    let axes = Axes::of(panel, offset);
    let (left, right) = (offset + LEFT, offset + PANEL_WIDTH - RIGHT);
    let (floor, middle) = (HEIGHT - BOTTOM, offset + (LEFT + PANEL_WIDTH - RIGHT) / 2.0);
    // A String takes whatever is written to it.
    let _ = writeln!(
        text,
        "<text x=\"{left}\" y=\"24\" font-size=\"14\" font-weight=\"600\" fill=\"#1f2328\">{}, {}</text>",
        panel.title, panel.unit
    );
    for tick in axes.y_ticks() {
        let y = axes.y(tick);
        let _ = writeln!(
            text,
            "<line x1=\"{left}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#dde1e6\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#57606a\">{}</text>",
            left - 8.0,
            y + 4.0,
            spelled(tick)
        );
    }
    for tick in axes.x_ticks() {
        let _ = writeln!(
            text,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#57606a\">{}</text>",
            axes.x(tick),
            floor + 18.0,
            spelled(tick)
        );
    }
    let _ = writeln!(
        text,
        "<line x1=\"{left}\" y1=\"{floor}\" x2=\"{right}\" y2=\"{floor}\" stroke=\"#57606a\"/>\n\
         <text x=\"{middle}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#57606a\">{x_unit}</text>",
        floor + 40.0
    );
    let mut legend = left;
    for (series, colour) in panel.series.iter().zip(COLOURS.into_iter().cycle()) {
        push_series(text, &axes, series, colour, panel.unit);
        let _ = writeln!(
            text,
            "<rect x=\"{legend}\" y=\"38\" width=\"14\" height=\"4\" fill=\"{colour}\"/>\n\
             <text x=\"{:.1}\" y=\"45\" fill=\"#1f2328\">{}</text>",
            legend + 20.0,
            series.name
        );
        legend += 100.0;
    }
}

fn push_series(text: &mut String, axes: &Axes, series: &Series, colour: &str, unit: &str) {
    let places: Vec<String> =
        series.points.iter().map(|(x, y)| format!("{:.1},{:.1}", axes.x(*x), axes.y(*y))).collect();
    let _ = writeln!(
        text,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
        places.join(" ")
    );
    for (x, y) in &series.points {
        let _ = writeln!(
            text,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"><title>{}, {}: {y:.1} {unit}</title></circle>",
            axes.x(*x),
            axes.y(*y),
            series.name,
            spelled(*x)
        );
    }
}

/// Where values lie.
struct Axes {
    scale: Scale,
    offset: f64,
    x_most: f64,
    y_least: f64,
    y_most: f64,
    step: f64,
}

impl Axes {
    fn of(panel: &Panel, offset: f64) -> Self {
        let points = || panel.series.iter().flat_map(|series| &series.points);
        let x_most = points().map(|point| point.0).fold(2.0, f64::max);
        let most = points().map(|point| point.1).fold(f64::MIN_POSITIVE, f64::max);
        let least = points().map(|point| point.1.max(0.01)).fold(f64::MAX, f64::min).min(most);
        let (y_least, y_most, step) = match panel.scale {
            Scale::Linear => {
                let step = round_up(most / 5.0);
                (0.0, (most / step).ceil() * step, step)
            }
            Scale::Log => (round_down(least), round_up(most), 0.0),
        };
        Self { scale: panel.scale, offset, x_most, y_least, y_most: y_most.max(y_least * 2.0), step }
    }

    fn x(&self, value: f64) -> f64 {
        let share = value.max(1.0).log2() / self.x_most.log2();
        self.offset + LEFT + share * (PANEL_WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => value / self.y_most,
            Scale::Log => {
                (value.max(self.y_least) / self.y_least).log10() / (self.y_most / self.y_least).log10()
            }
        };
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }

    /// Each twice the one before.
    fn x_ticks(&self) -> impl Iterator<Item = f64> {
        std::iter::successors(Some(1.0), |tick| Some(tick * 2.0)).take_while(|tick| *tick <= self.x_most)
    }

    fn y_ticks(&self) -> Vec<f64> {
        let (first, is_log) = (self.y_least, self.scale == Scale::Log);
        let next = |tick: &f64| Some(if is_log { round_up(tick * 1.5) } else { tick + self.step });
        // A little more than the most: sums of steps are not exact.
        std::iter::successors(Some(first), next).take_while(|tick| *tick <= self.y_most * 1.001).collect()
    }
}

/// The last of 1, 2 and 5 times a power of ten that is not more.
fn round_down(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let times = [5.0, 2.0].into_iter().find(|times| value >= times * power);
    times.unwrap_or(1.0) * power
}

/// The next of 1, 2 and 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| value <= times * power);
    times.unwrap_or(10.0) * power
}

/// `12,000`; with as many digits after the point as it needs below 1.
fn spelled(value: f64) -> String {
    if value < 1.0 {
        return format!("{value}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(scale: Scale, points: &[(f64, f64)]) -> Panel {
        let series = |name| Series { name, points: points.to_vec() };
        Panel { title: "Taken", unit: "rows/s", scale, series: vec![series("ours"), series("theirs")] }
    }

    /// Every tag that is opened is closed, in the order in which they nest.
    fn is_well_formed(text: &str) -> bool {
        let mut open = Vec::new();
        for tag in text.split('<').skip(1) {
            let Some((tag, content)) = tag.split_once('>') else { return false };
            let name = tag.split([' ', '/']).find(|word| !word.is_empty()).unwrap_or_default();
            if tag.starts_with('/') {
                if open.pop() != Some(name) {
                    return false;
                }
            } else if !tag.ends_with('/') {
                open.push(name);
            }
            if tag.matches('"').count() % 2 == 1 || content.contains('&') {
                return false;
            }
        }
        open.is_empty()
    }

    #[test]
    fn the_picture_is_well_formed_and_has_a_point_for_each_measurement() {
        let points = [(1.0, 900.0), (8.0, 4_000.0), (512.0, 11_000.0)];
        let svg = drawn("connections", &[panel(Scale::Linear, &points), panel(Scale::Log, &points)]);
        assert!(is_well_formed(&svg), "{svg}");
        assert!(!is_well_formed(&svg.replacen("</text>", "", 1)));
        assert_eq!(svg.matches("<circle ").count(), 2 * 2 * points.len());
        assert!(svg.contains(">connections<") && svg.contains(">Taken, rows/s<") && !svg.contains("NaN"));
    }

    #[test]
    fn more_lies_higher_and_further_right_and_all_of_it_within_the_panel() {
        for scale in [Scale::Linear, Scale::Log] {
            let points = [(1.0, 0.3), (64.0, 40.0), (512.0, 230.0)];
            let axes = Axes::of(&panel(scale, &points), 0.0);
            let places = points.map(|(x, y)| (axes.x(x), axes.y(y)));
            assert!(places.is_sorted_by(|one, next| one.0 < next.0 && one.1 > next.1), "{places:?}");
            for (x, y) in places {
                assert!((LEFT..=PANEL_WIDTH - RIGHT).contains(&x) && (TOP..=HEIGHT - BOTTOM).contains(&y));
            }
        }
    }

    #[test]
    fn ticks_are_round_and_reach_the_most() {
        let axes = Axes::of(&panel(Scale::Linear, &[(1.0, 11_000.0)]), 0.0);
        assert_eq!(axes.y_ticks().last().map(|tick| spelled(*tick)).unwrap(), "15,000");
        let axes = Axes::of(&panel(Scale::Log, &[(1.0, 0.7), (2.0, 45.0)]), 0.0);
        assert_eq!(
            axes.y_ticks().into_iter().map(spelled).collect::<Vec<_>>(),
            ["0.5", "1", "2", "5", "10", "20", "50"]
        );
    }
}
