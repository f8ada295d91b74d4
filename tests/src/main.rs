//! The command under test: `mainstay` with fail points.

fn main() -> std::process::ExitCode {
    mainstay_job::fault::arm();
    mainstay_cli::main()
}
