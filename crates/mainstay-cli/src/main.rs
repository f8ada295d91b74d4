//! The `mainstay` command.

fn main() -> std::process::ExitCode {
    mainstay_cli::main()
}
