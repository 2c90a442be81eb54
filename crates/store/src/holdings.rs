//! What is read of reservations: one, and a user's, newest first. A hold that is over is told as `EXPIRED`, noticed or not.
//! Never here: who may see what.

use holdfast_domain::{EventId, Reservation, ReservationId, ReservationStatus, Shard, TenantId, UserId};
use time::OffsetDateTime;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{
    Database, Error,
    program::clock,
    reservations::{self, event_of_reservation, reservation_columns},
};

/// Most entries of the index that one page is looked for in.
const SCANNED: i64 = 10_000;

pub(crate) const ONE: &str = concat!(
    "SELECT ",
    reservation_columns!(),
    ", head.at
    FROM (SELECT * FROM reservations WHERE shard = $1 AND tenant_id = $2 AND id = $3) r ",
    clock!(),
    event_of_reservation!()
);

/// The user's, newest first. Compared as rows and ordered by what is the same in all of them, so that no other index can
/// serve.
macro_rules! scanned {
    () => {
        "SELECT *
            FROM reservations
            WHERE shard = $1 AND tenant_id = $2 AND (user_id, id) < ($3, $4) AND user_id >= $3
                AND created_at > '-infinity'
            ORDER BY user_id DESC, id DESC"
    };
}

/// What matches among the first entries of the index; then, if the page is not full by that, the last of those entries, if
/// there are so many: where the next page goes on.
pub(crate) const OF_USER: &str = concat!(
    "
    (
        SELECT true, ",
    reservation_columns!(),
    ", head.at
        FROM (",
    scanned!(),
    " LIMIT $8) r ",
    clock!(),
    event_of_reservation!(),
    "
        WHERE ($5::uuid IS NULL OR r.event_id = $5)
            AND CASE WHEN r.status = 'HOLD' AND r.expires_at <= head.at THEN 'EXPIRED' ELSE r.status END
                = ANY ($6::text[])
        ORDER BY user_id DESC, id DESC
        LIMIT $7
    )
    UNION ALL
    (
        SELECT false, ",
    reservation_columns!(),
    ", NULL
        FROM (",
    scanned!(),
    " OFFSET $8 - 1 LIMIT 1) r",
    event_of_reservation!(),
    "
    )
    LIMIT $7"
);

/// A reservation, and by which clock it stands so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationNow {
    /// The reservation.
    pub reservation: Reservation,
    /// The shard's clock.
    pub at: OffsetDateTime,
}

/// Which of a user's reservations are listed.
#[derive(Debug, Clone)]
pub struct ReservationFilter {
    /// Whose.
    pub user: UserId,
    /// Of this event.
    pub event: Option<EventId>,
    /// In one of these states; in any, when none is named.
    pub statuses: Vec<ReservationStatus>,
    /// Those older than this one: the `next` of the page before.
    pub after: Option<ReservationId>,
    /// Most reservations on the page.
    pub limit: i64,
}

/// A page of reservations. It may be short, or empty, and still not be the last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReservationsPage {
    /// Newest first.
    pub reservations: Vec<ReservationNow>,
    /// Where the next page begins; none when the list ends here.
    pub next: Option<ReservationId>,
}

impl Database {
    /// One reservation of a tenant, if there is one.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn reservation(
        &self,
        tenant: TenantId,
        id: ReservationId,
    ) -> Result<Option<ReservationNow>, Error> {
        let (reading, shard) = (self.reading().await?, Shard::of(tenant).number());
        let rows = reading.query(ONE, &[&shard, &tenant.uuid(), &id.uuid()]).await?;
        rows.first().map(|row| now(row, 0)).transpose()
    }

    /// A page of a user's reservations.
    ///
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub async fn reservations(
        &self,
        tenant: TenantId,
        filter: &ReservationFilter,
    ) -> Result<ReservationsPage, Error> {
        let reading = self.reading().await?;
        let all = ReservationStatus::ALL;
        let named = if filter.statuses.is_empty() { &all[..] } else { &filter.statuses };
        let statuses: Vec<&str> = named.iter().map(|status| status.as_str()).collect();
        let after = filter.after.unwrap_or(ReservationId::from_u128(u128::MAX));
        // One more than the page has shows that there is another.
        let wanted = filter.limit + 1;
        let params: [&(dyn ToSql + Sync); 8] = [
            &Shard::of(tenant).number(),
            &tenant.uuid(),
            &filter.user.as_str(),
            &after.uuid(),
            &filter.event.map(EventId::uuid),
            &statuses,
            &wanted,
            &SCANNED,
        ];
        let rows = reading.query(OF_USER, &params).await?;
        let limit = usize::try_from(filter.limit).unwrap_or(0);
        let matches = rows.iter().filter(|row| row.get(0)).take(limit);
        let reservations: Vec<ReservationNow> = matches.map(|row| now(row, 1)).collect::<Result<_, _>>()?;
        let next = match rows.iter().find(|row| !row.get::<_, bool>(0)) {
            Some(row) => Some(row.get::<_, Uuid>(2).into()),
            None if rows.len() > limit => reservations.last().map(|last| last.reservation.id),
            None => None,
        };
        Ok(ReservationsPage { reservations, next })
    }
}

fn now(row: &Row, first: usize) -> Result<ReservationNow, Error> {
    let at: OffsetDateTime = row.get(first + reservations::COLUMNS);
    let reservation = reservations::from_row(row, first)?.reservation;
    let state = reservation.state.clone().at(at);
    Ok(ReservationNow { reservation: Reservation { state, ..reservation }, at })
}
