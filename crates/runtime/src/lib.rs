//! The process kit: settings, telemetry, shutdown, health, problem documents. Knows nothing of booking.
