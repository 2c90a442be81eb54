//! Each number of each round, for machines.

use serde_json::{Map, Value, json};

use crate::{
    intake::Http,
    machine::Machine,
    report::{Figures, http_parts, sockets},
    rounds::Round,
    settings::{Part, Settings},
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
            "connections": settings.connections,
            "resources": settings.resources,
            "users": settings.users,
            "sockets": settings.sockets,
            "bookings_per_second": settings.bookings_per_second,
            "many_sockets": settings.many_sockets,
            "behind": settings.behind,
            "reconnect_users": settings.reconnect_users,
            "seed": settings.seed,
        },
        "intake": rounds.iter().map(round_json).collect::<Vec<_>>(),
        "sockets": rounds.iter().map(sockets::json).collect::<Vec<_>>(),
    })
}

fn round_json(round: &Round) -> Value {
    let mut parts: Map<String, Value> = Part::INTAKE
        .into_iter()
        .filter_map(|part| Some((part.as_str().to_owned(), figures_json(Figures::of(part, round)?))))
        .collect();
    for (part, http) in http_parts(round) {
        parts[part.as_str()]["account"] = account_json(http);
    }
    Value::Object(parts)
}

fn figures_json(figures: Figures) -> Value {
    json!({
        "per_second": figures.per_second,
        "p50_millis": figures.p50_millis,
        "p99_millis": figures.p99_millis,
        "longest_millis": figures.longest_millis,
        "conflicting_percent": figures.conflicting_percent,
        "times_pgbench": figures.times_pgbench,
        "generator_cores": figures.generator_cores,
    })
}

fn account_json(http: &Http) -> Value {
    let errors = http.seen.errors.iter();
    let errors: Map<String, Value> =
        errors.map(|(status, count)| (status.to_string(), json!(count))).collect();
    let cpu: Map<String, Value> =
        http.cpu_micros().map(|(name, micros)| (name.to_owned(), json!(micros))).collect();
    json!({
        "valid": http.is_valid(),
        "acknowledged": http.seen.acknowledged,
        "errors": errors,
        "cpu_micros_per_booking": cpu,
        "seq": http.log.seq,
        "changes": http.log.kinds,
        "open_wants": http.backlog.open,
        "unseen_wants": http.backlog.unseen,
    })
}
