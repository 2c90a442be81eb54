//! Each number of each round with its unit, for machines.

use serde_json::{Value, json};

use crate::{
    curve::Curve,
    machine::Machine,
    report::{Line, Rounds},
    rounds::Round,
    settings::Settings,
};

pub(crate) fn json(settings: &Settings, machine: &Machine, rounds: &[Round]) -> Value {
    json!({
        "machine": {
            "cores": machine.cores,
            "cpu": machine.cpu,
            "kernel": machine.kernel,
            "postgresql": machine.postgresql,
        },
        "settings": {
            "seconds": settings.seconds,
            "warm_up_seconds": settings.warm_up_seconds,
            "rounds": settings.rounds,
            "connections": settings.connections,
            "many_connections": settings.many_connections,
            "resources": settings.resources,
            "users": settings.users,
            "backlog": settings.backlog,
            "decisions_per_second": settings.decisions_per_second,
            "hot_users": settings.hot_users,
            "sockets": settings.sockets,
            "bookings_per_second": settings.bookings_per_second,
            "many_sockets": settings.many_sockets,
            "behind": settings.behind,
            "reconnect_users": settings.reconnect_users,
            "seed": settings.seed,
        },
        "rows": Rounds::of(rounds).map(|rounds| row(settings, &rounds)).collect::<Vec<_>>(),
        "curve": rounds.iter().find_map(|round| round.curve.as_ref()).map(Curve::json),
    })
}

fn row(settings: &Settings, rounds: &Rounds<'_>) -> Value {
    let faults: Vec<&String> = rounds.told.iter().flat_map(|told| &told.faults).collect();
    json!({
        "row": rounds.row.as_str(),
        "about": rounds.row.about(settings),
        "valid": rounds.is_valid(),
        "faults": faults,
        "figures": rounds.lines().map(|line| figure(rounds, &line)).collect::<Vec<_>>(),
    })
}

fn figure(rounds: &Rounds<'_>, line: &Line<'_>) -> Value {
    let judged = rounds.judged(line);
    json!({
        "name": line.figure.name,
        "unit": line.figure.unit,
        "median": line.spread.median,
        "rounds": line.values,
        "aim": judged.map(|(aim, _)| aim.to_string()),
        "is_met": judged.and_then(|(_, is_met)| is_met),
    })
}
