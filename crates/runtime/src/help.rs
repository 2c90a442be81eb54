//! What `--help` tells of a setting besides its own words: which numbers are allowed. It is asked of the option's own parser,
//! so help and check can't say different things.

use std::error::Error;

use clap::{Arg, Command, builder::ValueParser};

/// A number that no setting allows.
const FORBIDDEN: &str = "9223372036854775807";

/// The command with the range of each number in its help. What every process has may be given after a command's name, too,
/// and is told there.
pub fn taught(command: Command) -> Command {
    let has_commands = command.has_subcommands();
    let command =
        command.mut_args(|arg| if has_commands { with_range(arg).global(true) } else { with_range(arg) });
    command.mut_subcommands(taught)
}

fn with_range(arg: Arg) -> Arg {
    let Some(allowed) = arg.get_action().takes_values().then(|| allowed(arg.get_value_parser())).flatten()
    else {
        return arg;
    };
    let told = |help: Option<String>| help.map(|help| format!("{help} [{allowed}]"));
    let (short, long) =
        (arg.get_help().map(ToString::to_string), arg.get_long_help().map(ToString::to_string));
    let arg = match told(long) {
        Some(long) => arg.long_help(long),
        None => arg,
    };
    match told(short) {
        Some(short) => arg.help(short),
        None => arg,
    }
}

/// The numbers that a parser allows, in the words in which it refuses others.
fn allowed(parser: &ValueParser) -> Option<String> {
    let asked = Command::new("asked").no_binary_name(true).arg(Arg::new("it").value_parser(parser.clone()));
    let refusal = asked.try_get_matches_from([FORBIDDEN]).err()?.source()?.to_string();
    // Ours, and clap's.
    let ours = refusal.strip_prefix("must be a number from ").map(ToOwned::to_owned);
    ours.or_else(|| {
        let range = refusal.strip_prefix(FORBIDDEN)?.strip_prefix(" is not in ")?;
        Some(range.replace("..=", " to "))
    })
}

#[cfg(test)]
mod tests {
    use clap::{Parser, value_parser};

    use super::*;
    use crate::settings::bounded;

    #[derive(Parser)]
    struct Settings {
        /// Ours.
        #[arg(long, value_parser = bounded(1..=512_usize))]
        _ours: usize,
        /// Clap's.
        ///
        /// And more.
        #[arg(long, value_parser = value_parser!(u32).range(10..=60_000))]
        _claps: u32,
        /// None.
        #[arg(long)]
        _none: String,
        /// A flag.
        #[arg(long)]
        _flag: bool,
    }

    #[test]
    fn a_number_is_told_with_what_is_allowed_and_nothing_else_is() {
        use clap::CommandFactory;
        let help = taught(Settings::command()).render_long_help().to_string();
        for told in ["Ours [1 to 512]", "And more. [10 to 60000]"] {
            assert!(help.contains(told), "{told}: {help}");
        }
        assert_eq!(help.matches(" to ").count(), 2, "{help}");
    }
}
