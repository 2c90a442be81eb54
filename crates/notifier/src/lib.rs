//! Relays the streams to WebSocket subscribers. No PostgreSQL.
