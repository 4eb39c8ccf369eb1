//! The clients' halves of the scenarios: each fails when the server answers something else than the scenario says.

use std::time::Duration;

use arrow_flight::error::FlightError;
use arrow_flight::{Action, FlightClient, FlightData, FlightDescriptor, HandshakeRequest, Ticket};
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt, TryStreamExt, stream};
use tonic::metadata::MetadataValue;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};

use crate::numbers::{Anything, batch, connect, encode, next, schema, values};
use crate::{Outcome, equal};

const MESSAGE: &str = "größe: 100 % of\nit";
const BATCHES: usize = 256;
const ROWS: usize = 256 << 10;

pub async fn run(scenario: &str, uri: &str, folder: &str) -> Outcome {
    match scenario {
        "call: list_flights" => list_flights(connect(uri).await?).await,
        "call: flight_info" => flight_info(connect(uri).await?).await,
        "call: do_get" => get(connect(uri).await?).await,
        "call: metadata_alone" => metadata_alone(connect(uri).await?).await,
        "call: do_put" => put(connect(uri).await?).await,
        "call: do_exchange" => exchange(connect(uri).await?).await,
        "call: do_action" => actions(connect(uri).await?).await,
        "call: errors" => errors(connect(uri).await?).await,
        "call: broken_streams" => broken_streams(connect(uri).await?).await,
        "call: cancel_and_deadline" => cancel(connect(uri).await?).await,
        "call: headers" => headers(connect(uri).await?).await,
        "call: basic_to_bearer" => basic_to_bearer(connect(uri).await?).await,
        "call: tls" => tls(uri, folder).await,
        "call: mtls" => mtls(uri, folder).await,
        "call: large_streams" => large(connect(uri).await?).await,
        "call: graceful_end" => graceful_end(connect(uri).await?).await,
        "auth:basic_proto" => basic_proto(connect(uri).await?).await,
        "poll_flight_info" => poll(connect(uri).await?).await,
        _ => Err("not run: This program does not know it.".into()),
    }
}

fn ticket(text: &str) -> Ticket {
    Ticket::new(text.to_owned())
}

async fn results(client: &mut FlightClient, kind: &str, body: &[u8]) -> Result<Vec<Vec<u8>>, FlightError> {
    let results: Vec<_> = client
        .do_action(Action::new(kind, body.to_vec()))
        .await?
        .try_collect()
        .await?;
    Ok(results.into_iter().map(Vec::from).collect())
}

async fn act(client: &mut FlightClient, kind: &str) -> Result<String, FlightError> {
    Ok(results(client, kind, b"")
        .await?
        .iter()
        .map(|result| String::from_utf8_lossy(result).into_owned())
        .collect())
}

/// The status that a call failed with.
fn status<T>(outcome: Result<T, FlightError>, what: &str) -> Anything<Status> {
    match outcome {
        Err(FlightError::Tonic(status)) => Ok(*status),
        Err(other) => Err(format!("{what} fails of something else: {other}").into()),
        Ok(_) => Err(format!("{what} should fail, and succeeds").into()),
    }
}

async fn list_flights(mut client: FlightClient) -> Outcome {
    for count in [0, 3, 1000] {
        let infos: Vec<_> = client.list_flights(count.to_string()).await?.try_collect().await?;
        let got: Vec<_> = infos
            .into_iter()
            .map(|info| (info.flight_descriptor.unwrap_or_default().path, info.total_records))
            .collect();
        equal(
            got,
            (0..count).map(|i| (vec!["flight".into(), i.to_string()], i)).collect(),
            "the Flights",
        )?;
    }
    Ok(())
}

async fn flight_info(mut client: FlightClient) -> Outcome {
    let path = FlightDescriptor::new_path(vec!["a".into(), "b c".into(), "größe".into()]);
    for descriptor in [path, FlightDescriptor::new_cmd(vec![0, 255, 1])] {
        let info = client.get_flight_info(descriptor.clone()).await?;
        equal(info.flight_descriptor.as_ref(), Some(&descriptor), "the descriptor")?;
        equal(
            (info.total_records, info.total_bytes, info.ordered),
            (3, 1 << 40, true),
            "the totals",
        )?;
        equal(&info.app_metadata[..], b"of the info", "the app_metadata")?;
        equal(info.endpoint.len(), 2, "the number of endpoints")?;
        let first = &info.endpoint[0];
        let locations: Vec<_> = first.location.iter().map(|location| &location.uri[..]).collect();
        equal(
            locations,
            vec!["grpc+tcp://127.0.0.1:1234", "arrow-flight-reuse-connection://?"],
            "the locations",
        )?;
        let expiration = first.expiration_time.as_ref().map(|time| (time.seconds, time.nanos));
        equal(expiration, Some((1_893_553_445, 678_000_000)), "the expiration")?;
        equal(
            &first.app_metadata[..],
            b"of the endpoint",
            "the endpoint's app_metadata",
        )?;
        equal(
            info.endpoint[1].ticket.clone(),
            Some(Ticket::new(vec![0, 255])),
            "the second ticket",
        )?;
        equal(info.try_decode_schema()?, (*schema()).clone(), "the schema")?;
        equal(
            client.get_schema(descriptor).await?,
            (*schema()).clone(),
            "the schema on its own",
        )?;
    }
    let missing = client
        .get_flight_info(FlightDescriptor::new_path(vec!["missing".into()]))
        .await;
    equal(
        status(missing, "what is not there")?.code(),
        Code::NotFound,
        "what is not there",
    )
}

async fn get(mut client: FlightClient) -> Outcome {
    for count in [0, 3] {
        let mut stream = client.do_get(ticket(&count.to_string())).await?.into_inner();
        for i in 0..count {
            let got = next(&mut stream).await?.map(|(mark, batch)| (mark, values(&batch)));
            equal(got, Some((format!("m{i}"), vec![i])), "the batch")?;
        }
        equal(next(&mut stream).await?.is_none(), true, "the end")?;
    }
    Ok(())
}

async fn metadata_alone(mut client: FlightClient) -> Outcome {
    let mut stream = client.do_get(ticket("alone")).await?.into_inner();
    equal(
        next(&mut stream).await?.map(|(_, batch)| values(&batch)),
        Some(vec![7]),
        "the batch",
    )?;
    // The crate reads every header as a flatbuffer, also the empty one of such a message.
    let last = next(&mut stream)
        .await
        .map_err(|_| "not run: arrow-flight cannot read a message of app_metadata alone")?;
    equal(
        last.map(|(mark, _)| mark),
        Some("last".into()),
        "the app_metadata alone",
    )?;
    equal(next(&mut stream).await?.is_none(), true, "the end")
}

async fn put(mut client: FlightClient) -> Outcome {
    let (mut sender, receiver) = mpsc::channel::<FlightData>(0);
    let descriptor = FlightDescriptor::new_path(vec!["put".into()]);
    let batches = (1..=3).map(|rows| batch(vec![0; rows])).collect();
    let mut messages = encode(Some(descriptor.clone()), schema(), batches, |i| format!("m{i}")).await?;
    messages.push(FlightData::new().with_app_metadata("last"));
    let mut ours = messages.into_iter();
    let begun = ours.next().ok_or("no schema")?;
    let sending = tokio::spawn(async move {
        sender.send(begun).await?;
        sender.send(ours.next().ok_or(mpsc_gone())?).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((sender, ours))
    });
    // The answer's headers come with the first answer, so that the first messages must be under way by then.
    let mut answers = client.do_put(receiver.map(Ok)).await?;
    let (sender, mut ours) = sending.await??;
    let mut sender = Some(sender);
    let mut got = Vec::new();
    while let Some(answer) = answers.try_next().await? {
        got.push(String::from_utf8_lossy(&answer.app_metadata).into_owned());
        match ours.next() {
            Some(message) => sender.as_mut().ok_or("it was the last")?.send(message).await?,
            None => sender = None,
        }
    }
    equal(
        got,
        ["ack m0", "ack m1", "ack m2", "ack last", "rows 6"]
            .map(String::from)
            .to_vec(),
        "the answers",
    )?;

    let none = encode(Some(descriptor), schema(), vec![], |_| String::new()).await?;
    let answers: Vec<_> = client
        .do_put(stream::iter(none.into_iter().map(Ok)))
        .await?
        .try_collect()
        .await?;
    equal(answers.len(), 1, "the number of answers to a stream of no batches")?;
    equal(
        &answers[0].app_metadata[..],
        b"rows 0",
        "the answer to a stream of no batches",
    )
}

fn mpsc_gone() -> String {
    "there is no batch".into()
}

async fn exchange(mut client: FlightClient) -> Outcome {
    for count in [5, 0] {
        let descriptor = FlightDescriptor::new_cmd("echo");
        let batches = (0..count).map(|i| batch(vec![i, -i])).collect();
        let messages = encode(Some(descriptor), schema(), batches, |i| format!("m{i}")).await?;
        let (mut sender, receiver) = mpsc::unbounded::<FlightData>();
        let mut ours = messages.into_iter();
        sender.send(ours.next().ok_or("no schema")?).await?;
        if let Some(first) = ours.next() {
            sender.send(first).await?;
        } else {
            sender.close_channel();
        }
        let mut theirs = client.do_exchange(receiver.map(Ok)).await?.into_inner();
        for i in 0..count {
            let got = next(&mut theirs).await?.map(|(mark, batch)| (mark, values(&batch)));
            equal(got, Some((format!("m{i}"), vec![i, -i])), "the answer")?;
            match ours.next() {
                Some(message) => sender.send(message).await?,
                None => sender.close_channel(),
            }
        }
        equal(next(&mut theirs).await?.is_none(), true, "the end")?;
        equal(theirs.schema().cloned(), Some(schema()), "the schema")?;
    }
    Ok(())
}

async fn actions(mut client: FlightClient) -> Outcome {
    let listed: Vec<_> = client.list_actions().await?.try_collect().await?;
    let listed: Vec<_> = listed
        .into_iter()
        .map(|kind| format!("{}: {}", kind.r#type, kind.description))
        .collect();
    equal(
        listed,
        vec![
            "echo: Gives its body back.".to_string(),
            "split: Gives each byte of its body.".into(),
        ],
        "the actions",
    )?;
    for body in [vec![], "größe".as_bytes().to_vec(), vec![7; 1 << 20]] {
        equal(results(&mut client, "echo", &body).await?, vec![body], "an echo")?;
    }
    equal(
        results(&mut client, "split", &[1, 2, 255]).await?,
        vec![vec![1], vec![2], vec![255]],
        "each byte",
    )?;
    equal(results(&mut client, "split", &[]).await?, vec![], "each byte of none")?;
    let missing = status(
        results(&mut client, "missing", &[]).await,
        "an action that is not there",
    )?;
    equal(missing.code(), Code::Unimplemented, "an action that is not there")?;
    let many = (0..200).map(|i| {
        let mut client = FlightClient::new_from_inner(client.inner().clone());
        async move { results(&mut client, "echo", i.to_string().as_bytes()).await }
    });
    for (i, echo) in futures::future::join_all(many).await.into_iter().enumerate() {
        equal(echo?, vec![i.to_string().into_bytes()], "one of many echoes")?;
    }
    Ok(())
}

async fn errors(mut client: FlightClient) -> Outcome {
    let codes: Vec<_> = client.list_actions().await?.try_collect().await?;
    equal(codes.len(), 16, "the number of codes")?;
    for kind in codes {
        let code = &kind.r#type;
        let status = status(results(&mut client, code, b"").await, code)?;
        let name = format!("{:?}", status.code()).to_uppercase();
        equal(name, code.replace('_', ""), "the code")?;
        equal(status.message(), MESSAGE, "the message")?;
        equal(
            status.metadata().get("x-reason").map(|value| value.as_bytes()),
            Some(&b"because"[..]),
            "the header",
        )?;
        let bytes = status
            .metadata()
            .get_bin("x-reason-bin")
            .ok_or("there is no header of bytes")?
            .to_bytes()?;
        equal(&bytes[..], &[0, 255, 7], "the header of bytes")?;
    }
    Ok(())
}

async fn broken_streams(mut client: FlightClient) -> Outcome {
    let mut stream = client.do_get(ticket("broken")).await?;
    let mut got = Vec::new();
    let broken = loop {
        match stream.next().await {
            Some(Ok(batch)) => got.extend(values(&Some(batch))),
            Some(Err(error)) => break status::<()>(Err(error), "a stream that breaks")?,
            None => return Err("a stream that should break ends".into()),
        }
    };
    equal(
        (broken.code(), broken.message()),
        (Code::ResourceExhausted, "Two are enough."),
        "what broke it",
    )?;
    equal(got, vec![0, 1], "what came before")?;

    let descriptor = FlightDescriptor::new_path(vec!["refused".into()]);
    let messages = encode(Some(descriptor), schema(), vec![batch(vec![0; 16 << 10])], |_| {
        String::new()
    })
    .await?;
    let last = messages.last().cloned().ok_or("no batch")?;
    let endless = stream::iter(messages).chain(stream::repeat(last)).map(Ok);
    let refused = async { client.do_put(endless).await?.try_collect::<Vec<_>>().await };
    let refused = tokio::time::timeout(Duration::from_secs(20), refused).await?;
    equal(
        status(refused, "a stream that is refused")?.code(),
        Code::PermissionDenied,
        "a stream that is refused",
    )
}

async fn cancel(mut client: FlightClient) -> Outcome {
    let mut stream = client.do_get(ticket("endless")).await?;
    for i in 0..3 {
        let batch = stream.try_next().await?;
        equal(values(&batch), vec![i], "what was read")?;
    }
    drop(stream);
    equal(act(&mut client, "left").await?, "seen".into(), "what the producer saw")?;
    let mut request = Request::new(Action::new("wait", ""));
    request.set_timeout(Duration::from_millis(200));
    let waited = async {
        client
            .inner_mut()
            .do_action(request)
            .await?
            .into_inner()
            .try_collect::<Vec<_>>()
            .await
    };
    let code = waited.await.err().ok_or("an action with a deadline succeeds")?.code();
    // tonic's own timer, which runs beside the server's, calls it cancelled.
    equal(
        matches!(code, Code::DeadlineExceeded | Code::Cancelled),
        true,
        "whether a deadline ends the action",
    )
}

async fn headers(mut client: FlightClient) -> Outcome {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let long = "x".repeat(6000);
    let mut request = Request::new(Action::new("headers", ""));
    request.metadata_mut().insert("x-there", long.parse()?);
    request
        .metadata_mut()
        .insert_bin("x-there-bin", MetadataValue::from_bytes(&[0, 1, 255, 128]));
    request.metadata_mut().insert("traceparent", trace.parse()?);
    let response = client.inner_mut().do_action(request).await?;
    let back = response.metadata().get("x-back").ok_or("there is no header")?;
    equal(back.as_bytes(), long.as_bytes(), "the header")?;
    let bytes = response
        .metadata()
        .get_bin("x-back-bin")
        .ok_or("there is no header of bytes")?
        .to_bytes()?;
    equal(&bytes[..], &[0, 1, 255, 128], "the header of bytes")?;
    let results: Vec<_> = response.into_inner().try_collect().await?;
    equal(&results[0].body[..], trace.as_bytes(), "the trace")
}

async fn basic_to_bearer(mut client: FlightClient) -> Outcome {
    let without = status(act(&mut client, "who").await, "a call without a token")?;
    equal(without.code(), Code::Unauthenticated, "a call without a token")?;
    let handshake = |login: &'static str| {
        let mut request = Request::new(stream::iter([HandshakeRequest::default()]));
        request
            .metadata_mut()
            .insert("authorization", MetadataValue::from_static(login));
        request
    };
    // arrow:wrong and arrow:flight, in base64.
    let wrong = client.inner_mut().handshake(handshake("Basic YXJyb3c6d3Jvbmc=")).await;
    equal(
        wrong.err().map(|status| status.code()),
        Some(Code::Unauthenticated),
        "a wrong password",
    )?;
    let right = client
        .inner_mut()
        .handshake(handshake("Basic YXJyb3c6ZmxpZ2h0"))
        .await?;
    let token = right
        .metadata()
        .get("authorization")
        .ok_or("there is no token")?
        .to_str()?
        .to_owned();
    client.add_header("authorization", &token)?;
    equal(act(&mut client, "who").await?, "arrow".into(), "who the caller is")
}

async fn basic_proto(mut client: FlightClient) -> Outcome {
    let without = status(act(&mut client, "").await, "a call without a token")?;
    equal(without.code(), Code::Unauthenticated, "a call without a token")?;
    // The message BasicAuth: field 2 is the name, field 3 the password.
    let token = client.handshake(&b"\x12\x05arrow\x1a\x06flight"[..]).await?;
    client
        .metadata_mut()
        .insert_bin("auth-token-bin", MetadataValue::from_bytes(&token));
    equal(act(&mut client, "").await?, "arrow".into(), "who the caller is")
}

async fn tls(uri: &str, folder: &str) -> Outcome {
    equal(
        who(uri, folder, "authority", None).await?,
        "someone".into(),
        "who a client without a certificate is",
    )?;
    equal(
        who(uri, folder, "stranger", None).await.is_err(),
        true,
        "whether a server that is not trusted is refused",
    )
}

async fn mtls(uri: &str, folder: &str) -> Outcome {
    equal(
        who(uri, folder, "authority", Some("ann")).await?,
        "ann".into(),
        "who the client is",
    )?;
    equal(
        who(uri, folder, "authority", Some("stranger")).await.is_err(),
        true,
        "whether a stranger is refused",
    )?;
    equal(
        who(uri, folder, "authority", None).await.is_err(),
        true,
        "whether a client without a certificate is refused",
    )
}

async fn who(uri: &str, folder: &str, trusted: &str, own: Option<&str>) -> Anything<String> {
    let pem = |name: String| std::fs::read(format!("{folder}/{name}"));
    let mut config = ClientTlsConfig::new()
        .domain_name("localhost")
        .ca_certificate(Certificate::from_pem(pem(format!("{trusted}.pem"))?));
    if let Some(own) = own {
        config = config.identity(Identity::from_pem(
            pem(format!("{own}.pem"))?,
            pem(format!("{own}.key"))?,
        ));
    }
    let channel = Endpoint::from_shared(uri.replace("grpc:", "https:"))?
        .tls_config(config)?
        .connect()
        .await?;
    Ok(act(&mut FlightClient::new(channel), "who").await?)
}

async fn large(mut client: FlightClient) -> Outcome {
    let expected: i64 = (BATCHES * (BATCHES - 1) / 2 * ROWS) as i64;
    let mut stream = client.do_get(ticket("many")).await?;
    let (mut read, mut sum) = (0, 0);
    let mut other = FlightClient::new_from_inner(client.inner().clone());
    while let Some(batch) = stream.try_next().await? {
        if read == 0 {
            for _ in 0..200 {
                act(&mut other, "produced").await?;
            }
            let produced: usize = act(&mut other, "produced").await?.parse()?;
            equal(
                produced < BATCHES,
                true,
                "whether a reader of one batch holds the producer up",
            )?;
        }
        read += 1;
        sum += values(&Some(batch)).into_iter().map(i64::from).sum::<i64>();
    }
    equal((read, sum), (BATCHES, expected), "the number of batches, and their sum")?;
    let one = client.do_get(ticket("one")).await?.try_next().await?;
    equal(
        one.map(|batch| batch.num_rows()),
        Some(40 * ROWS),
        "the rows of the batch of 40 MiB",
    )?;

    let descriptor = FlightDescriptor::new_path(vec!["large".into()]);
    let batches = (0..BATCHES).map(|i| batch(vec![i as i32; ROWS])).collect();
    for (batches, sum) in [
        (batches, expected),
        (vec![batch(vec![1; 40 * ROWS])], (40 * ROWS) as i64),
    ] {
        let messages = encode(Some(descriptor.clone()), schema(), batches, |_| String::new()).await?;
        let answers: Vec<_> = client
            .do_put(stream::iter(messages.into_iter().map(Ok)))
            .await?
            .try_collect()
            .await?;
        equal(answers.len(), 1, "the number of answers")?;
        equal(
            &answers[0].app_metadata[..],
            sum.to_string().as_bytes(),
            "the sum that the server found",
        )?;
    }
    Ok(())
}

async fn graceful_end(mut client: FlightClient) -> Outcome {
    let batches: Vec<_> = client.do_get(ticket("100")).await?.try_collect().await?;
    let got: Vec<_> = batches.into_iter().map(|batch| values(&Some(batch))[0]).collect();
    equal(got, (0..100).collect(), "what the server gave")
}

async fn poll(mut client: FlightClient) -> Outcome {
    let first = client
        .poll_flight_info(FlightDescriptor::new_cmd("heavy query"))
        .await?;
    equal(first.progress, Some(0.1), "the first progress")?;
    equal(
        first.expiration_time.is_some(),
        true,
        "whether the first answer expires",
    )?;
    let again = first
        .flight_descriptor
        .ok_or("the first answer has no descriptor to poll with")?;
    let last = client.poll_flight_info(again).await?;
    equal(
        (last.progress, last.flight_descriptor, last.expiration_time),
        (Some(1.0), None, None),
        "the last answer",
    )
}
