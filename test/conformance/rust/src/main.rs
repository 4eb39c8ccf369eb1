//! A Flight client on the crate arrow-flight: it answers questions, a JSON list [URI, SCENARIO, FILE] a line, with null or what is
//! wrong.

mod calls;
mod data;
mod numbers;

use std::error::Error;

use tokio::io::{AsyncBufReadExt, BufReader, stdin};

/// What a scenario found wrong.
pub type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// Fails with both values unless they are the same.
pub fn equal<T: PartialEq + std::fmt::Debug>(actual: T, expected: T, what: &str) -> Outcome {
    if actual == expected {
        return Ok(());
    }
    Err(format!("{what}: {actual:?} and not {expected:?}").into())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome {
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let question: Vec<String> = serde_json::from_str(&line)?;
        let [uri, scenario, file] = &question[..] else {
            return Err("a question is a list of three".into());
        };
        let outcome = if scenario == "data" {
            data::put_and_get(uri, file).await
        } else {
            calls::run(scenario, uri, file).await
        };
        let answer = outcome.err().map(|wrong| wrong.to_string());
        println!("{}", serde_json::to_string(&answer)?);
    }
    Ok(())
}
