//! The `mainstay` command.

/// Plans allocate and free small pieces on every thread, which took the system's allocator a fifth of a day's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    mainstay_cli::main()
}
