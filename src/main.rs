//! The program: arguments in, one subcommand out. What the subcommands do stands in [`spanwire::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    spanwire::cli::main()
}
