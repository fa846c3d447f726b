//! `bellwether completions SHELL`.

use std::io::Write;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};

use crate::args::Cli;

#[derive(Clone, Copy, ValueEnum)]
enum Known {
    /// For example: source <(bellwether completions bash)
    Bash,
    /// For example, in a folder of fpath: bellwether completions zsh > _bellwether
    Zsh,
    /// For example: bellwether completions fish > ~/.config/fish/completions/bellwether.fish
    Fish,
}

#[derive(Args)]
pub(crate) struct CompletionsArgs {
    #[arg(value_enum)]
    shell: Known,
}

pub(crate) fn run(args: &CompletionsArgs) -> anyhow::Result<bool> {
    let shell = match args.shell {
        Known::Bash => Shell::Bash,
        Known::Zsh => Shell::Zsh,
        Known::Fish => Shell::Fish,
    };
    // to memory first: the generator ends the process if its reader has left
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "bellwether", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(true)
}
