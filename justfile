# The commands of this repository by name; each is a line that also works without `just`.

# The daily job on generated data.
run *arguments:
    cargo run -- run daily_risk {{arguments}}

# The tests of README.md.
test:
    cargo test --workspace

# The crates that need neither DataFusion nor Delta: seconds, not minutes.
test-pure:
    cargo test -p mainstay-schema -p mainstay-config -p mainstay-files -p mainstay-scoring -p mainstay-standalone -p mainstay-model -p mainstay-train -p mainstay-allocator -p mainstay-verifier -p mainstay-ledger -p mainstay-monitor

# Against other people's software; sets up its own Python environment.
peers:
    tests/peers/run

# Writes the pages of docs/reference that are made from code.
docs:
    MAINSTAY_WRITE_DOCS=1 cargo test --workspace --lib -- the_page

lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Licences, sources, bans and advisories of the dependencies; installs cargo-deny beside the build output.
deny:
    .ci/deny

# What CI runs.
ci:
    .ci/run
