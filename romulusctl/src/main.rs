//! `romulusctl`: see the library of this crate.

use std::io::BufWriter;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = match romulusctl::Args::from_command_line(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => error.exit(),
    };
    romulusctl::start_logging();
    // Large trees have many lines.
    let mut out = BufWriter::new(anstream::stdout());
    match romulusctl::run(&args, &mut out, &mut anstream::stderr()).await {
        Ok(ended) => ended.into(),
        Err(error) if romulusctl::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
