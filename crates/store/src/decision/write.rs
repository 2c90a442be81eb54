//! What a step writes: its decisions in one UPDATE, the log, and the marks of its resources.

use holdfast_domain::{Claim, CommandId, Fact, Seq, Status, TenantId, TimeRange, Trace, rules::Verdict};
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{Judgement, Open};
use crate::{
    Error, Head,
    bookings::{self, booking_columns},
    resources::{self, Judged},
};

/// One UPDATE for all: the exclusion is checked at its end, so it may hand a range from one booking to
/// another whatever the order of the rows. A rejected move falls back to what it holds.
pub(crate) const DECIDE: &str = concat!(
    "
    UPDATE bookings b
    SET status = d.status, wanted_start_at = d.start_at, wanted_end_at = d.end_at,
        granted = CASE d.status WHEN 'VALID' THEN tstzrange(d.start_at, d.end_at) END,
        decide_by = NULL, version = b.version + 1, updated_at = $2
    FROM unnest($3::integer[], $4::uuid[], $5::uuid[], $6::text[], $7::timestamptz[], $8::timestamptz[])
        AS d(n, tenant_id, id, status, start_at, end_at)
    CROSS JOIN LATERAL (
        SELECT shard, ctid, resource_id, status
        FROM bookings
        WHERE shard = $1 AND tenant_id = d.tenant_id AND id = d.id
        OFFSET 0
    ) place
    CROSS JOIN LATERAL (
        SELECT name, venue_id
        FROM resources
        WHERE shard = $1 AND tenant_id = d.tenant_id AND id = place.resource_id
        OFFSET 0
    ) r
    WHERE b.shard = place.shard AND b.ctid = place.ctid AND place.status = 'PENDING'
    RETURNING d.n, ",
    booking_columns!()
);

/// Writes the decisions and appends them to the log, in the order in which they hold.
pub(super) async fn decisions(
    head: &mut Head,
    decisions: &[(Open, Verdict)],
) -> Result<Vec<(TenantId, Verdict)>, Error> {
    if decisions.is_empty() {
        return Ok(Vec::new());
    }
    let rows = update(head, decisions).await?;
    let command_id = CommandId::from(Uuid::now_v7());
    for ((open, verdict), row) in decisions.iter().zip(rows) {
        let booking = bookings::from_row(&row, 1)?;
        let fact = match (verdict, booking.claim.status()) {
            (Verdict::Grant, _) => Fact::BookingValidated { booking },
            (Verdict::Reject, Status::Valid) => Fact::BookingMoveRejected { booking },
            (Verdict::Reject, _) => Fact::BookingRejected { booking },
        };
        head.append(open.tenant_id, command_id, None, &Trace::default(), &fact);
    }
    Ok(decisions.iter().map(|(open, verdict)| (open.tenant_id, *verdict)).collect())
}

/// The rows after the UPDATE, in the order of `decisions`.
async fn update(head: &Head, decisions: &[(Open, Verdict)]) -> Result<Vec<tokio_postgres::Row>, Error> {
    let claims: Vec<Claim> = decisions
        .iter()
        .map(|(open, verdict)| match verdict {
            Verdict::Grant => open.claim.grant(),
            Verdict::Reject => open.claim.reject(),
        })
        .collect::<Result<_, _>>()
        .map_err(|_| Error::Defect("a want was decided that is not open"))?;
    let numbers: Vec<i32> = (0..).take(decisions.len()).collect();
    let tenants: Vec<Uuid> = decisions.iter().map(|(open, _)| open.tenant_id.uuid()).collect();
    let ids: Vec<Uuid> = decisions.iter().map(|(open, _)| open.id.uuid()).collect();
    let states: Vec<&str> = claims.iter().map(|claim| claim.status().as_str()).collect();
    let ranges: Vec<TimeRange> = claims.iter().map(|claim| claim.wanted()).collect();
    let starts: Vec<OffsetDateTime> = ranges.iter().map(|range| range.start()).collect();
    let ends: Vec<OffsetDateTime> = ranges.iter().map(|range| range.end()).collect();
    let (shard, at) = (head.shard().number(), head.at());
    let params: [&(dyn ToSql + Sync); 8] = [&shard, &at, &numbers, &tenants, &ids, &states, &starts, &ends];
    let statement = head.client().prepare_cached(DECIDE).await?;
    let mut rows = head.client().query(&statement, &params).await?;
    resources::written(rows.len() as u64, decisions.len())?;
    rows.sort_by_key(|row| row.get::<_, i32>(0));
    Ok(rows)
}

/// Marks the resources that were decided whole as judged up to `end`, and counts the wants that are gone.
pub(super) async fn marks(head: &Head, judgement: &Judgement, end: Seq) -> Result<(), Error> {
    let judged: Vec<Judged> = judgement
        .counts
        .iter()
        .enumerate()
        .map(|(place, &(tenant_id, id, decided))| Judged {
            tenant_id,
            id,
            decided,
            judged: (place < judgement.whole).then_some(end),
        })
        .collect();
    if judged.is_empty() { Ok(()) } else { resources::judge(head, &judged).await }
}
