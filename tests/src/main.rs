//! The command under test: `mainstay` with fail points, and a verb that says what is read of sources.

mod source_rows;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("source-rows") {
        return match source_rows::run(arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    mainstay_job::fault::arm();
    mainstay_cli::main()
}
