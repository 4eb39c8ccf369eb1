//! Streams of one column, number: int32, and what they look like message by message.

use std::error::Error;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Int32Array, RecordBatch};
use arrow_flight::decode::{DecodedPayload, FlightDataDecoder};
use arrow_flight::encode::{DictionaryHandling, FlightDataEncoderBuilder};
use arrow_flight::{FlightClient, FlightData, FlightDescriptor, flight_service_client::FlightServiceClient};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use futures::{StreamExt, TryStreamExt, stream};
use tonic::transport::{Channel, Endpoint};

pub type Anything<T> = Result<T, Box<dyn Error + Send + Sync>>;

pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("number", DataType::Int32, false)]))
}

pub fn batch(values: Vec<i32>) -> RecordBatch {
    RecordBatch::try_new(schema(), vec![Arc::new(Int32Array::from(values))]).expect("one column of the schema")
}

/// The messages of a stream, the first with the descriptor, and a mark on each batch.
pub async fn encode(
    descriptor: Option<FlightDescriptor>,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    mark: impl Fn(usize) -> String,
) -> Anything<Vec<FlightData>> {
    let mut messages: Vec<FlightData> = FlightDataEncoderBuilder::new()
        .with_schema(schema)
        .with_flight_descriptor(descriptor)
        .with_dictionary_handling(DictionaryHandling::Resend)
        .with_max_flight_data_size(usize::MAX)
        .build(stream::iter(batches.into_iter().map(Ok)))
        .try_collect()
        .await?;
    let mut batches = 0;
    for message in &mut messages {
        let header = arrow_ipc::root_as_message(&message.data_header).map_err(|wrong| wrong.to_string())?;
        if header.header_type() == arrow_ipc::MessageHeader::RecordBatch {
            message.app_metadata = mark(batches).into();
            batches += 1;
        }
    }
    Ok(messages)
}

/// What one message carried: its app_metadata, and the batch.
pub type Marked = (String, Option<RecordBatch>);

/// The next message after the schema; None at the end.
pub async fn next(stream: &mut FlightDataDecoder) -> Anything<Option<Marked>> {
    while let Some(message) = stream.next().await {
        let message = message?;
        let mark = String::from_utf8(message.app_metadata().to_vec())?;
        match message.payload {
            DecodedPayload::RecordBatch(batch) => return Ok(Some((mark, Some(batch)))),
            DecodedPayload::None if !mark.is_empty() => return Ok(Some((mark, None))),
            _ => {}
        }
    }
    Ok(None)
}

pub fn values(batch: &Option<RecordBatch>) -> Vec<i32> {
    let column = batch
        .as_ref()
        .map(|batch| batch.column(0).as_primitive::<Int32Type>().values().to_vec());
    column.unwrap_or_default()
}

pub async fn channel(uri: &str) -> Anything<Channel> {
    let address = uri.replace("grpc+tcp:", "http:").replace("grpc:", "http:");
    Ok(Endpoint::from_shared(address)?.connect().await?)
}

/// A client without tonic's limit of 4 MiB a message.
pub async fn connect(uri: &str) -> Anything<FlightClient> {
    let service = FlightServiceClient::new(channel(uri).await?).max_decoding_message_size(usize::MAX);
    Ok(FlightClient::new_from_inner(service))
}
