//! The data mode: what an IPC file holds is put, with app_metadata "0", "1", … on its batches, and read back.

use std::fs::File;

use arrow_array::RecordBatch;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::{FlightData, FlightDescriptor};
use arrow_ipc::reader::FileReader;
use futures::{TryStreamExt, stream};

use crate::numbers::{Anything, connect, encode, next};
use crate::{Outcome, equal};

pub async fn put_and_get(uri: &str, name: &str) -> Outcome {
    let unreadable = |wrong: &dyn std::fmt::Display| format!("not run: Rust cannot read this file: {wrong}");
    let source = FileReader::try_new(File::open(name)?, None).map_err(|wrong| unreadable(&wrong))?;
    let schema = source.schema();
    let batches: Vec<RecordBatch> = source.collect::<Result<_, _>>().map_err(|wrong| unreadable(&wrong))?;

    let descriptor = FlightDescriptor::new_path(vec![name.into()]);
    let messages = encode(Some(descriptor.clone()), schema.clone(), batches.clone(), |i| {
        i.to_string()
    })
    .await?;
    let again = decode(messages.clone()).await;
    if again.as_ref().ok() != Some(&batches) {
        let got = again.map_or_else(
            |wrong| wrong.to_string(),
            |again| format!("{} of {} batches", again.len(), batches.len()),
        );
        return Err(
            format!("not run: what arrow-flight encodes of this file it decodes as something else: {got}").into(),
        );
    }

    let mut client = connect(uri).await?;
    let answers: Vec<_> = client
        .do_put(stream::iter(messages.into_iter().map(Ok)))
        .await?
        .try_collect()
        .await?;
    let answers: Vec<String> = answers
        .iter()
        .map(|answer| String::from_utf8_lossy(&answer.app_metadata).into_owned())
        .collect();
    equal(
        answers,
        (0..batches.len()).map(|i| i.to_string()).collect(),
        "the acknowledged batches",
    )?;

    let info = client.get_flight_info(descriptor).await?;
    equal(
        info.endpoint.is_empty(),
        false,
        "whether the FlightInfo has no endpoint",
    )?;
    for endpoint in info.endpoint {
        equal(
            endpoint.location.is_empty(),
            false,
            "whether the endpoint has no location",
        )?;
        let ticket = endpoint.ticket.ok_or("the endpoint has no ticket")?;
        for location in endpoint.location {
            get(&location.uri, ticket.clone(), &batches).await?;
        }
    }
    Ok(())
}

async fn decode(messages: Vec<FlightData>) -> Anything<Vec<RecordBatch>> {
    let stream = FlightRecordBatchStream::new_from_flight_data(stream::iter(messages.into_iter().map(Ok)));
    Ok(stream.try_collect().await?)
}

async fn get(uri: &str, ticket: arrow_flight::Ticket, batches: &[RecordBatch]) -> Anything<()> {
    let mut stream = connect(uri).await?.do_get(ticket).await?.into_inner();
    let mut count = 0;
    while let Some((mark, batch)) = next(&mut stream).await? {
        equal(mark, count.to_string(), "the app_metadata")?;
        equal(batch.as_ref(), batches.get(count), "the batch")?;
        count += 1;
    }
    equal(count, batches.len(), "the number of batches")
}
