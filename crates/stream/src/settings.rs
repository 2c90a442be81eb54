//! Where Redis is, and how much is kept there. Never shows the address: it may hold a password.

use std::{convert::Infallible, fmt, str::FromStr};

use clap::Args;

/// Most characters of a prefix.
const PREFIX_MAX_CHARS: usize = 64;

/// Which Redis, and how it is used.
#[derive(Debug, Clone, Args)]
// clap names a group after the struct, and other crates have a `Settings` too.
#[group(skip)]
#[command(next_help_heading = "Redis")]
pub struct Settings {
    /// Address of Redis, as in `redis://user:password@host:6379`.
    #[arg(
        id = "REDIS_URL",
        long = "redis-url",
        env,
        hide_env_values = true,
        default_value = "redis://127.0.0.1:6379"
    )]
    pub url: RedisUrl,

    /// What every key begins with, 1 to 64 letters, digits, or any of - _ . :; the same for all services of an installation.
    #[arg(id = "REDIS_PREFIX", long = "redis-prefix", env, default_value = "hf", value_parser = prefix)]
    pub prefix: String,

    /// How many of its newest changes each shard's stream keeps, about.
    #[arg(id = "STREAM_LENGTH", long = "stream-length", env, default_value_t = 100_000,
        value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    pub stream_length: u32,
}

/// The address of Redis; a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for RedisUrl {
    /// A parser that fails would have clap print the value; a wrong address is refused at the connect.
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Braces would move the hash tag, and with it a shard's keys.
fn prefix(text: &str) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    if (1..=PREFIX_MAX_CHARS).contains(&text.len()) && text.chars().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err(format!("must be 1 to {PREFIX_MAX_CHARS} letters, digits, or any of - _ . :"))
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        redis: Settings,
    }

    #[test]
    fn the_address_is_never_shown() {
        let command = Command::parse_from(["test", "--redis-url", "redis://:hunter2@localhost"]);
        assert!(!format!("{command:?}").contains("hunter2"));
        assert!(
            Command::command()
                .get_arguments()
                .any(|argument| { argument.get_id() == "REDIS_URL" && argument.is_hide_env_values_set() })
        );
    }

    #[test]
    fn a_prefix_with_braces_is_refused() {
        let error = Command::try_parse_from(["test", "--redis-prefix", "a{b}"]).unwrap_err();
        assert!(error.to_string().contains("REDIS_PREFIX"), "{error}");
        assert!(Command::try_parse_from(["test", "--redis-prefix", "hf:staging-2"]).is_ok());
    }
}
