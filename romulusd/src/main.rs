//! `romulusd`: see the library of this crate.

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    let args = romulusd::Args::parse();
    romulusd::logging::start(&args);
    match romulusd::run(&args).await {
        Ok(ended) => ended.into(),
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::from(2)
        }
    }
}
