//! `romulusd`: see the library of this crate.

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let args = romulusd::Args::parse();
    romulusd::logging::start(&args);
    match romulusd::run(&args).await {
        Ok(ended) => ended.into(),
        Err(error) => {
            romulusd::logging::fatal(&error);
            ExitCode::from(2)
        }
    }
}
