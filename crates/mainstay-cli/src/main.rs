//! The `mainstay` command.

/// Plans allocate on one thread and free on another, in pieces small and large: the system's allocator took a fifth of a day's time over
/// it, and others keep twice the memory.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    mainstay_cli::main()
}
