package peer;

import static peer.Peer.MEMORY;
import static peer.Peer.bytes;
import static peer.Peer.check;
import static peer.Peer.equal;
import static peer.Peer.text;

import java.io.File;
import java.io.FileInputStream;
import java.net.URI;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.apache.arrow.flight.Action;
import org.apache.arrow.flight.AsyncPutListener;
import org.apache.arrow.flight.CallHeaders;
import org.apache.arrow.flight.CallInfo;
import org.apache.arrow.flight.CallOption;
import org.apache.arrow.flight.CallOptions;
import org.apache.arrow.flight.CallStatus;
import org.apache.arrow.flight.CancelFlightInfoRequest;
import org.apache.arrow.flight.CancelStatus;
import org.apache.arrow.flight.CloseSessionRequest;
import org.apache.arrow.flight.CloseSessionResult;
import org.apache.arrow.flight.Criteria;
import org.apache.arrow.flight.FlightCallHeaders;
import org.apache.arrow.flight.FlightClient;
import org.apache.arrow.flight.FlightClientMiddleware;
import org.apache.arrow.flight.FlightDescriptor;
import org.apache.arrow.flight.FlightEndpoint;
import org.apache.arrow.flight.FlightInfo;
import org.apache.arrow.flight.FlightRuntimeException;
import org.apache.arrow.flight.FlightStatusCode;
import org.apache.arrow.flight.FlightStream;
import org.apache.arrow.flight.GetSessionOptionsRequest;
import org.apache.arrow.flight.HeaderCallOption;
import org.apache.arrow.flight.Location;
import org.apache.arrow.flight.PutResult;
import org.apache.arrow.flight.RenewFlightEndpointRequest;
import org.apache.arrow.flight.Result;
import org.apache.arrow.flight.SessionOptionValueFactory;
import org.apache.arrow.flight.SetSessionOptionsRequest;
import org.apache.arrow.flight.SetSessionOptionsResult;
import org.apache.arrow.flight.SyncPutListener;
import org.apache.arrow.flight.Ticket;
import org.apache.arrow.flight.auth2.BasicAuthCredentialWriter;
import org.apache.arrow.flight.auth2.ClientBearerHeaderHandler;
import org.apache.arrow.flight.auth2.ClientIncomingAuthHeaderMiddleware;
import org.apache.arrow.flight.client.ClientCookieMiddleware;
import org.apache.arrow.flight.grpc.CredentialCallOption;

/** The clients' halves of the scenarios: each throws when the server answers something else than the scenario says. */
final class Clients {
  private interface Scenario {
    void run(FlightClient client) throws Exception;
  }

  private static final Map<String, Scenario> PLAIN =
      Map.ofEntries(
          Map.entry("call: list_flights", Clients::listFlights),
          Map.entry("call: flight_info", Clients::flightInfo),
          Map.entry("call: do_get", Clients::get),
          Map.entry("call: metadata_alone", Clients::metadataAlone),
          Map.entry("call: do_put", Clients::put),
          Map.entry("call: do_exchange", Clients::exchange),
          Map.entry("call: do_action", Clients::actions),
          Map.entry("call: errors", Clients::errors),
          Map.entry("call: broken_streams", Clients::brokenStreams),
          Map.entry("call: cancel_and_deadline", Clients::cancel),
          Map.entry("call: large_streams", Clients::large),
          Map.entry("call: graceful_end", Clients::gracefulEnd),
          Map.entry("auth:basic_proto", Clients::basicProto),
          Map.entry("poll_flight_info", Clients::poll),
          Map.entry("expiration_time:cancel_flight_info", Clients::cancelInfo),
          Map.entry("expiration_time:renew_flight_endpoint", Clients::renew));

  static void run(String scenario, String uri, String file) throws Exception {
    switch (scenario) {
      case "data" -> Data.putAndGet(uri, file);
      case "call: headers" -> headers(uri);
      case "call: basic_to_bearer" -> basicToBearer(uri);
      case "call: tls" -> tls(uri, file);
      case "call: mtls" -> mtls(uri, file);
      case "session_options" -> sessionOptions(uri);
      default -> {
        Scenario plain = PLAIN.get(scenario);
        if (plain == null) throw new Peer.NotRun("This program does not know it.");
        try (var client = connect(uri).build()) {
          plain.run(client);
        }
      }
    }
  }

  static FlightClient.Builder connect(String uri) throws Exception {
    return FlightClient.builder().allocator(MEMORY).location(new Location(uri));
  }

  private static void listFlights(FlightClient client) {
    for (int count : new int[] {0, 3, 1000}) {
      var infos = client.listFlights(new Criteria(bytes(String.valueOf(count))));
      var got = StreamSupport.stream(infos.spliterator(), false)
          .map(info -> info.getDescriptor().getPath() + " " + info.getRecords()).toList();
      equal(got, IntStream.range(0, count).mapToObj(i -> "[flight, " + i + "] " + i).toList(), "the Flights");
    }
  }

  private static void flightInfo(FlightClient client) throws Exception {
    var asked = List.of(FlightDescriptor.path("a", "b c", "größe"), FlightDescriptor.command(new byte[] {0, -1, 1}));
    for (FlightDescriptor descriptor : asked) {
      FlightInfo info = client.getInfo(descriptor);
      // Read by this library, as its reading of an expiration adds the seconds twice.
      FlightInfo expected = FlightInfo.deserialize(Servers.info(descriptor).serialize());
      equal(info, expected, "the FlightInfo");
      equal(info.getOrdered(), true, "ordered");
      equal(text(info.getAppMetadata()), "of the info", "the app_metadata");
      FlightEndpoint first = info.getEndpoints().get(0);
      equal(text(first.getAppMetadata()), "of the endpoint", "the endpoint's app_metadata");
      equal(first.getExpirationTime(), expected.getEndpoints().get(0).getExpirationTime(), "the expiration");
      equal(client.getSchema(descriptor).getSchema(), Numbers.SCHEMA, "the schema");
    }
    expectFailure(FlightStatusCode.NOT_FOUND, () -> client.getInfo(FlightDescriptor.path("missing")));
  }

  private static void get(FlightClient client) throws Exception {
    for (int count : new int[] {0, 3}) {
      var got = new ArrayList<String>();
      try (FlightStream stream = client.getStream(new Ticket(bytes(String.valueOf(count))))) {
        equal(stream.getSchema(), Numbers.SCHEMA, "the schema");
        while (stream.next()) {
          got.add(Numbers.text(stream.getLatestMetadata()) + " " + Arrays.toString(Numbers.read(stream)));
        }
      }
      equal(got, IntStream.range(0, count).mapToObj(i -> "m" + i + " [" + i + "]").toList(), "the messages");
    }
  }

  private static void metadataAlone(FlightClient client) throws Exception {
    try (FlightStream stream = client.getStream(new Ticket(bytes("alone")))) {
      check(stream.next(), "the batch is missing");
      equal(Arrays.toString(Numbers.read(stream)), "[7]", "the batch");
      check(stream.next(), "the app_metadata alone is missing");
      equal(Numbers.text(stream.getLatestMetadata()), "last", "the app_metadata alone");
      check(!stream.next(), "the stream goes on");
    }
  }

  private static void put(FlightClient client) throws Exception {
    var descriptor = FlightDescriptor.path("put");
    try (var root = Numbers.root(); var answers = new SyncPutListener()) {
      var stream = client.startPut(descriptor, root, answers);
      for (int i = 0; i < 3; i++) {
        Numbers.fill(root, new int[i + 1]);
        stream.putNext(Numbers.buffer("m" + i));
        equal(read(answers), "ack m" + i, "the answer");
      }
      stream.putMetadata(Numbers.buffer("last"));
      equal(read(answers), "ack last", "the answer to app_metadata alone");
      stream.completed();
      equal(read(answers), "rows 6", "the answer after the end");
      stream.getResult();
    }
    try (var root = Numbers.root(); var answers = new SyncPutListener()) {
      var stream = client.startPut(descriptor, root, answers);
      stream.completed();
      equal(read(answers), "rows 0", "the answer to a stream of no batches");
      stream.getResult();
    }
  }

  private static String read(SyncPutListener answers) throws Exception {
    try (PutResult result = answers.poll(10, TimeUnit.SECONDS)) {
      return result == null ? "nothing" : Numbers.text(result.getApplicationMetadata());
    }
  }

  private static void exchange(FlightClient client) throws Exception {
    for (int count : new int[] {5, 0}) {
      try (var exchange = client.doExchange(FlightDescriptor.command(bytes("echo"))); var root = Numbers.root()) {
        var writer = exchange.getWriter();
        writer.start(root);
        for (int i = 0; i < count; i++) {
          Numbers.fill(root, i, -i);
          writer.putNext(Numbers.buffer("m" + i));
          check(exchange.getReader().next(), "the exchange ended early");
          equal(Numbers.text(exchange.getReader().getLatestMetadata()), "m" + i, "the app_metadata");
          equal(Arrays.toString(Numbers.read(exchange.getReader())), Arrays.toString(new int[] {i, -i}), "the numbers");
        }
        writer.completed();
        equal(exchange.getReader().getSchema(), Numbers.SCHEMA, "the schema");
        check(!exchange.getReader().next(), "the exchange goes on");
        exchange.getResult();
      }
    }
  }

  private static void actions(FlightClient client) throws Exception {
    var listed = StreamSupport.stream(client.listActions().spliterator(), false)
        .map(type -> type.getType() + ": " + type.getDescription()).toList();
    equal(listed, List.of("echo: Gives its body back.", "split: Gives each byte of its body."), "the actions");
    var large = new byte[1 << 20];
    Arrays.fill(large, (byte) 7);
    for (byte[] body : List.of(new byte[0], bytes("größe"), large)) {
      equal(results(client, "echo", body), List.of(HexFormat.of().formatHex(body)), "an echo");
    }
    equal(results(client, "split", new byte[] {1, 2, -1}), List.of("01", "02", "ff"), "each byte");
    equal(results(client, "split", new byte[0]), List.of(), "each byte of none");
    expectFailure(FlightStatusCode.UNIMPLEMENTED, () -> results(client, "missing", new byte[0]));
    IntStream.range(0, 200).parallel().forEach(i -> {
      byte[] body = bytes(String.valueOf(i));
      equal(results(client, "echo", body), List.of(HexFormat.of().formatHex(body)), "one of many echoes");
    });
  }

  private static List<String> results(FlightClient client, String type, byte[] body, CallOption... options) {
    var results = new ArrayList<String>();
    client.doAction(new Action(type, body), options).forEachRemaining(result -> results.add(HexFormat.of().formatHex(result.getBody())));
    return results;
  }

  static String act(FlightClient client, String type, CallOption... options) {
    var results = new ArrayList<String>();
    client.doAction(new Action(type), options).forEachRemaining((Result result) -> results.add(text(result.getBody())));
    return String.join(", ", results);
  }

  private static void errors(FlightClient client) {
    // This library has fewer codes than gRPC, and gives the others the name of one of its own.
    var codes = StreamSupport.stream(client.listActions().spliterator(), false).map(type -> type.getType()).toList();
    for (String code : codes) {
      FlightRuntimeException error = failure(() -> act(client, code));
      FlightStatusCode own = Servers.CODES.get(code);
      if (own != null) equal(error.status().code(), own, "the code of " + code);
      check(error.getMessage().contains(Servers.MESSAGE), code + " says " + error.getMessage());
      equal(error.status().metadata().get("x-reason"), "because", code + "'s header");
      equal(HexFormat.of().formatHex(error.status().metadata().getByte("x-reason-bin")), "00ff07", code + "'s header of bytes");
    }
    check(codes.size() >= 10, "the codes are " + codes);
  }

  private static void brokenStreams(FlightClient client) throws Exception {
    var got = new ArrayList<Integer>();
    FlightRuntimeException broken = failure(() -> {
      try (FlightStream stream = client.getStream(new Ticket(bytes("broken")))) {
        while (stream.next()) for (int value : Numbers.read(stream)) got.add(value);
      }
    });
    equal(broken.status().code(), FlightStatusCode.RESOURCE_EXHAUSTED, "a stream that breaks");
    check(broken.getMessage().contains("Two are enough"), "the stream breaks saying " + broken.getMessage());
    equal(got, List.of(0, 1), "what came before");

    var answers = new AsyncPutListener();
    expectFailure(FlightStatusCode.UNAUTHORIZED, () -> {
      try (var root = Numbers.root()) {
        var stream = client.startPut(FlightDescriptor.path("refused"), root, answers);
        // A refusal makes the stream unready for good: what is written in between is bounded.
        for (int i = 0; i < 2000; i++) {
          Numbers.fill(root, new int[16 << 10]);
          if (waitUntilReady(stream, 200)) stream.putNext();
          else break;
        }
        stream.getResult();
      }
    });
  }

  /** Returns whether the stream takes more within some milliseconds. */
  static boolean waitUntilReady(FlightClient.ClientStreamListener stream, long atMostMs) throws InterruptedException {
    long until = System.nanoTime() + atMostMs * 1_000_000;
    while (!stream.isReady()) {
      if (System.nanoTime() > until) return false;
      Thread.sleep(1);
    }
    return true;
  }

  private static void cancel(FlightClient client) throws Exception {
    try (FlightStream stream = client.getStream(new Ticket(bytes("endless")))) {
      for (int i = 0; i < 3; i++) {
        check(stream.next(), "the stream ended");
        equal(Numbers.read(stream)[0], i, "what was read");
      }
      stream.cancel("enough", null);
      failure(() -> {
        while (stream.next()) {}
      });
    }
    equal(act(client, "left"), "seen", "what the producer saw");
    expectFailure(FlightStatusCode.TIMED_OUT, () -> act(client, "wait", CallOptions.timeout(200, TimeUnit.MILLISECONDS)));
  }

  private static void headers(String uri) throws Exception {
    var back = new FlightCallHeaders();
    FlightClientMiddleware.Factory listening = (CallInfo call) -> new FlightClientMiddleware() {
      @Override
      public void onBeforeSendingHeaders(CallHeaders outgoing) {}

      @Override
      public void onHeadersReceived(CallHeaders incoming) {
        if (!incoming.containsKey("x-back")) return;
        back.insert("x-back", incoming.get("x-back"));
        back.insert("x-back-bin", incoming.getByte("x-back-bin"));
      }

      @Override
      public void onCallCompleted(CallStatus status) {}
    };
    var headers = new FlightCallHeaders();
    headers.insert("x-there", "x".repeat(6000));
    headers.insert("x-there-bin", new byte[] {0, 1, -1, -128});
    headers.insert("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    try (var client = connect(uri).intercept(listening).build()) {
      equal(act(client, "headers", new HeaderCallOption(headers)), headers.get("traceparent"), "the trace");
    }
    equal(back.get("x-back"), "x".repeat(6000), "the header");
    equal(HexFormat.of().formatHex(back.getByte("x-back-bin")), "0001ff80", "the header of bytes");
  }

  private static void basicToBearer(String uri) throws Exception {
    var bearer = new ClientIncomingAuthHeaderMiddleware.Factory(new ClientBearerHeaderHandler());
    try (var client = connect(uri).intercept(bearer).build()) {
      expectFailure(FlightStatusCode.UNAUTHENTICATED, () -> act(client, "who"));
      expectFailure(FlightStatusCode.UNAUTHENTICATED, () -> client.authenticateBasicToken("arrow", "wrong"));
      equal(act(client, "who", client.authenticateBasicToken("arrow", "flight").orElseThrow()), "arrow", "who the caller is");
      client.handshake(new CredentialCallOption(new BasicAuthCredentialWriter("arrow", "flight")));
      equal(act(client, "who", bearer.getCredentialCallOption()), "arrow", "who the caller is, by the middleware's token");
    }
  }

  private static void basicProto(FlightClient client) {
    expectFailure(FlightStatusCode.UNAUTHENTICATED, () -> act(client, ""));
    client.authenticateBasic("arrow", "flight");
    equal(act(client, ""), "arrow", "who the caller is");
  }

  private static void tls(String uri, String folder) throws Exception {
    equal(who(uri, folder, "authority", null), "someone", "who a client without a certificate is");
    expectFailure(FlightStatusCode.UNAVAILABLE, () -> who(uri, folder, "stranger", null));
  }

  private static void mtls(String uri, String folder) throws Exception {
    equal(who(uri, folder, "authority", "ann"), "ann", "who the client is");
    expectFailure(FlightStatusCode.UNAVAILABLE, () -> who(uri, folder, "authority", "stranger"));
    expectFailure(FlightStatusCode.UNAVAILABLE, () -> who(uri, folder, "authority", null));
  }

  private static String who(String uri, String folder, String trusted, String own) throws Exception {
    var builder = FlightClient.builder(MEMORY, Location.forGrpcTls("localhost", new URI(uri).getPort()));
    builder.useTls().trustedCertificates(new FileInputStream(new File(folder, trusted + ".pem")));
    if (own != null) {
      builder.clientCertificate(
          new FileInputStream(new File(folder, own + ".pem")), new FileInputStream(new File(folder, own + ".key")));
    }
    try (var client = builder.build()) {
      return act(client, "who");
    }
  }

  private static void large(FlightClient client) throws Exception {
    int read = 0;
    long sum = 0;
    try (FlightStream stream = client.getStream(new Ticket(bytes("many")))) {
      while (stream.next()) {
        if (read == 0) {
          for (int i = 0; i < 200; i++) act(client, "produced");
          int produced = Integer.parseInt(act(client, "produced"));
          check(produced < Servers.BATCHES, "the server has produced " + produced + " batches for a reader of one");
        }
        read += 1;
        sum += IntStream.of(Numbers.read(stream)).asLongStream().sum();
      }
    }
    equal(read, Servers.BATCHES, "the number of batches");
    equal(sum, Servers.SUM, "their sum");
    try (FlightStream stream = client.getStream(new Ticket(bytes("one")))) {
      check(stream.next(), "the large batch is missing");
      equal(stream.getRoot().getRowCount(), 40 * Servers.ROWS, "its rows");
    }
    try (var root = Numbers.root(); var answers = new SyncPutListener()) {
      var stream = client.startPut(FlightDescriptor.path("large"), root, answers);
      for (int i = 0; i < Servers.BATCHES; i++) {
        Numbers.fillWith(root, Servers.ROWS, i);
        check(waitUntilReady(stream, 20_000), "the server takes no more");
        stream.putNext();
      }
      stream.completed();
      equal(read(answers), String.valueOf(Servers.SUM), "the sum that the server found");
      stream.getResult();
    }
    try (var root = Numbers.root(); var answers = new SyncPutListener()) {
      var stream = client.startPut(FlightDescriptor.path("large"), root, answers);
      Numbers.fillWith(root, 40 * Servers.ROWS, 1);
      stream.putNext();
      stream.completed();
      equal(read(answers), String.valueOf(40 * Servers.ROWS), "the sum of one large batch");
      stream.getResult();
    }
  }

  private static void gracefulEnd(FlightClient client) throws Exception {
    var got = new ArrayList<Integer>();
    try (FlightStream stream = client.getStream(new Ticket(bytes("100")))) {
      while (stream.next()) got.add(Numbers.read(stream)[0]);
    }
    equal(got, IntStream.range(0, 100).boxed().toList(), "what the server gave");
  }

  private static void poll(FlightClient client) {
    var first = client.pollInfo(FlightDescriptor.command(bytes("heavy query")));
    equal(first.getProgress().orElseThrow(), 0.1, "the first progress");
    check(first.getExpirationTime().orElseThrow().isAfter(Instant.now()), "the first answer has expired");
    equal(text(first.getFlightInfo().getEndpoints().get(0).getTicket().getBytes()), "long-running query", "the ticket");
    var last = client.pollInfo(first.getFlightDescriptor().orElseThrow());
    equal(last.getProgress().orElseThrow(), 1.0, "the last progress");
    check(last.getFlightDescriptor().isEmpty() && last.getExpirationTime().isEmpty(), "the last answer is not the last");
  }

  private static void cancelInfo(FlightClient client) throws Exception {
    FlightInfo info = client.getInfo(FlightDescriptor.command(bytes("expiration_time")));
    equal(client.cancelFlightInfo(new CancelFlightInfoRequest(info)).getStatus(), CancelStatus.CANCELLED, "the first answer");
    for (FlightEndpoint endpoint : info.getEndpoints()) {
      expectFailure(FlightStatusCode.INVALID_ARGUMENT, () -> {
        try (FlightStream stream = client.getStream(endpoint.getTicket())) {
          stream.next();
        }
      });
    }
    equal(
        client.cancelFlightInfo(new CancelFlightInfoRequest(info)).getStatus(), CancelStatus.NOT_CANCELLABLE, "the second answer");
  }

  private static void renew(FlightClient client) {
    FlightInfo info = client.getInfo(FlightDescriptor.command(bytes("expiration_time")));
    int renewed = 0;
    for (FlightEndpoint endpoint : info.getEndpoints()) {
      if (endpoint.getExpirationTime().isEmpty()) continue;
      FlightEndpoint later = client.renewFlightEndpoint(new RenewFlightEndpointRequest(endpoint));
      check(later.getExpirationTime().orElseThrow().isAfter(endpoint.getExpirationTime().get()), "it expires as soon");
      renewed += 1;
    }
    equal(renewed, 2, "the number of endpoints that expire");
  }

  private static void sessionOptions(String uri) throws Exception {
    try (var client = connect(uri).intercept(new ClientCookieMiddleware.Factory()).build()) {
      Function<Map<String, org.apache.arrow.flight.SessionOptionValue>, Map<String, SetSessionOptionsResult.Error>> set =
          values -> client.setSessionOptions(new SetSessionOptionsRequest(values)).getErrors();
      var list = new String[] {"a", "b", "sea", "dee", " ", "  ", "geee", "(づ｡◕‿‿◕｡)づ"};
      var kept = Map.of(
          "foolong", SessionOptionValueFactory.makeSessionOptionValue(123L),
          "bardouble", SessionOptionValueFactory.makeSessionOptionValue(456.0),
          "big_ol_string_list", SessionOptionValueFactory.makeSessionOptionValue(list));
      equal(set.apply(kept), Map.of(), "the errors of setting three");
      var refused = Map.of(
          "lol_invalid", SessionOptionValueFactory.makeSessionOptionValue("this won't get set"),
          "key_with_invalid_value", SessionOptionValueFactory.makeSessionOptionValue("lol_invalid"));
      var errors = Map.of(
          "lol_invalid", new SetSessionOptionsResult.Error(SetSessionOptionsResult.ErrorValue.INVALID_NAME),
          "key_with_invalid_value", new SetSessionOptionsResult.Error(SetSessionOptionsResult.ErrorValue.INVALID_VALUE));
      equal(set.apply(refused), errors, "the errors of setting two that are invalid");
      equal(client.getSessionOptions(new GetSessionOptionsRequest()).getSessionOptions(), kept, "the options that were set");
      equal(set.apply(Map.of("foolong", SessionOptionValueFactory.makeEmptySessionOptionValue())), Map.of(), "erasing");
      equal(
          client.getSessionOptions(new GetSessionOptionsRequest()).getSessionOptions().keySet(),
          java.util.Set.of("bardouble", "big_ol_string_list"), "the options that are left");
      equal(client.closeSession(new CloseSessionRequest()).getStatus(), CloseSessionResult.Status.CLOSED, "the end");
    }
  }

  interface Attempt {
    void run() throws Exception;
  }

  /** What the attempt fails of. */
  static FlightRuntimeException failure(Attempt attempt) {
    try {
      attempt.run();
    } catch (FlightRuntimeException error) {
      return error;
    } catch (Exception error) {
      for (Throwable cause = error; cause != null; cause = cause.getCause()) {
        if (cause instanceof FlightRuntimeException flight) return flight;
      }
      throw new AssertionError("it fails of something else", error);
    }
    throw new AssertionError("a call that should fail succeeds");
  }

  static void expectFailure(FlightStatusCode code, Attempt attempt) {
    FlightRuntimeException error = failure(attempt);
    if (error.status().code() != code) throw new AssertionError("it should fail with " + code, error);
  }
}
