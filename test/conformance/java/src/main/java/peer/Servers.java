package peer;

import static peer.Peer.MEMORY;
import static peer.Peer.bytes;
import static peer.Peer.text;

import java.io.File;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.apache.arrow.flight.Action;
import org.apache.arrow.flight.ActionType;
import org.apache.arrow.flight.BackpressureStrategy;
import org.apache.arrow.flight.CallHeaders;
import org.apache.arrow.flight.CallInfo;
import org.apache.arrow.flight.CallStatus;
import org.apache.arrow.flight.CancelFlightInfoRequest;
import org.apache.arrow.flight.CancelFlightInfoResult;
import org.apache.arrow.flight.CancelStatus;
import org.apache.arrow.flight.CloseSessionResult;
import org.apache.arrow.flight.Criteria;
import org.apache.arrow.flight.ErrorFlightMetadata;
import org.apache.arrow.flight.FlightConstants;
import org.apache.arrow.flight.FlightDescriptor;
import org.apache.arrow.flight.FlightEndpoint;
import org.apache.arrow.flight.FlightInfo;
import org.apache.arrow.flight.FlightProducer;
import org.apache.arrow.flight.FlightServer;
import org.apache.arrow.flight.FlightServerMiddleware;
import org.apache.arrow.flight.FlightStatusCode;
import org.apache.arrow.flight.FlightStream;
import org.apache.arrow.flight.GetSessionOptionsResult;
import org.apache.arrow.flight.Location;
import org.apache.arrow.flight.NoOpFlightProducer;
import org.apache.arrow.flight.PollInfo;
import org.apache.arrow.flight.PutResult;
import org.apache.arrow.flight.RenewFlightEndpointRequest;
import org.apache.arrow.flight.RequestContext;
import org.apache.arrow.flight.Result;
import org.apache.arrow.flight.SchemaResult;
import org.apache.arrow.flight.ServerSessionMiddleware;
import org.apache.arrow.flight.SessionOptionValueFactory;
import org.apache.arrow.flight.SetSessionOptionsRequest;
import org.apache.arrow.flight.SetSessionOptionsResult;
import org.apache.arrow.flight.Ticket;
import org.apache.arrow.flight.auth.BasicServerAuthHandler;
import org.apache.arrow.flight.auth2.BasicCallHeaderAuthenticator;
import org.apache.arrow.flight.auth2.GeneratedBearerTokenAuthenticator;
import org.apache.arrow.vector.UInt4Vector;
import org.apache.arrow.vector.VectorSchemaRoot;

/** The servers' halves of the scenarios. */
final class Servers {
  static final int BATCHES = 256;
  static final int ROWS = 256 << 10;
  static final long SUM = (long) BATCHES * (BATCHES - 1) / 2 * ROWS;
  static final String MESSAGE = "größe: 100 % of\nit";

  /** gRPC's codes that this library has, by gRPC's names. */
  static final Map<String, FlightStatusCode> CODES =
      Map.ofEntries(
          Map.entry("CANCELLED", FlightStatusCode.CANCELLED),
          Map.entry("UNKNOWN", FlightStatusCode.UNKNOWN),
          Map.entry("INVALID_ARGUMENT", FlightStatusCode.INVALID_ARGUMENT),
          Map.entry("DEADLINE_EXCEEDED", FlightStatusCode.TIMED_OUT),
          Map.entry("NOT_FOUND", FlightStatusCode.NOT_FOUND),
          Map.entry("ALREADY_EXISTS", FlightStatusCode.ALREADY_EXISTS),
          Map.entry("PERMISSION_DENIED", FlightStatusCode.UNAUTHORIZED),
          Map.entry("RESOURCE_EXHAUSTED", FlightStatusCode.RESOURCE_EXHAUSTED),
          Map.entry("UNIMPLEMENTED", FlightStatusCode.UNIMPLEMENTED),
          Map.entry("INTERNAL", FlightStatusCode.INTERNAL),
          Map.entry("UNAVAILABLE", FlightStatusCode.UNAVAILABLE),
          Map.entry("UNAUTHENTICATED", FlightStatusCode.UNAUTHENTICATED));

  static FlightServer build(String scenario, String folder) throws Exception {
    boolean tls = scenario.equals("call: tls") || scenario.equals("call: mtls");
    var builder = FlightServer.builder().allocator(MEMORY);
    builder.location(tls ? Location.forGrpcTls("127.0.0.1", 0) : Location.forGrpcInsecure("127.0.0.1", 0));
    if (tls) builder.useTls(new File(folder, "server.pem"), new File(folder, "server.key"));
    if (scenario.equals("call: mtls")) builder.useMTlsClientVerification(new File(folder, "authority.pem"));
    var closing = new AtomicReference<Runnable>();
    switch (scenario) {
      case "data" -> builder.producer(new Data.Store());
      case "call: list_flights" -> builder.producer(new ListFlights());
      case "call: flight_info" -> builder.producer(new Infos());
      case "call: do_get" -> builder.producer(new Get());
      case "call: metadata_alone" -> builder.producer(new MetadataAlone());
      case "call: do_put" -> builder.producer(new Put());
      case "call: do_exchange" -> builder.producer(new Exchange());
      case "call: do_action" -> builder.producer(new Actions());
      case "call: errors" -> builder.producer(new Errors());
      case "call: broken_streams" -> builder.producer(new BrokenStreams());
      case "call: cancel_and_deadline" -> builder.producer(new Cancel());
      case "call: headers" -> builder.producer(new Answer(Headers::trace)).middleware(Headers.KEY, Headers::new);
      case "call: tls", "call: mtls" ->
          builder.producer(new Answer(context -> scenario.equals("call: tls") ? "someone" : "ann"));
      case "call: basic_to_bearer" ->
          builder.producer(new Answer(FlightProducer.CallContext::peerIdentity))
              .headerAuthenticator(new GeneratedBearerTokenAuthenticator(new BasicCallHeaderAuthenticator(Servers::login)));
      case "call: large_streams" -> builder.producer(new Large());
      case "call: graceful_end" -> builder.producer(new GracefulEnd(closing));
      case "auth:basic_proto" ->
          builder.producer(new Answer(FlightProducer.CallContext::peerIdentity))
              .authHandler(new BasicServerAuthHandler(new Tokens()));
      case "poll_flight_info" -> builder.producer(new Poll());
      case "expiration_time:cancel_flight_info", "expiration_time:renew_flight_endpoint" -> builder.producer(new Expiring());
      case "session_options" ->
          builder.producer(new Sessions())
              .middleware(Sessions.KEY, new ServerSessionMiddleware.Factory(() -> UUID.randomUUID().toString()));
      default -> throw new IllegalArgumentException(scenario);
    }
    FlightServer server = builder.build();
    closing.set(server::shutdown);
    return server;
  }

  private static org.apache.arrow.flight.auth2.CallHeaderAuthenticator.AuthResult login(String name, String password) {
    if (!name.equals("arrow") || !password.equals("flight")) throw CallStatus.UNAUTHENTICATED.toRuntimeException();
    return () -> name;
  }

  static FlightInfo info(FlightDescriptor descriptor) {
    try {
      var first = FlightEndpoint.builder(
              new Ticket(bytes("first")), new Location("grpc+tcp://127.0.0.1:1234"), Location.reuseConnection())
          .setExpirationTime(Instant.parse("2030-01-02T03:04:05.678Z")).setAppMetadata(bytes("of the endpoint")).build();
      var second = FlightEndpoint.builder(new Ticket(new byte[] {0, -1})).build();
      return FlightInfo.builder(Numbers.SCHEMA, descriptor, List.of(first, second))
          .setRecords(3).setBytes(1L << 40).setOrdered(true).setAppMetadata(bytes("of the info")).build();
    } catch (java.net.URISyntaxException impossible) {
      throw new AssertionError(impossible);
    }
  }

  private static final class ListFlights extends NoOpFlightProducer {
    @Override
    public void listFlights(CallContext context, Criteria criteria, StreamListener<FlightInfo> listener) {
      for (int i = 0; i < Integer.parseInt(text(criteria.getExpression())); i++) {
        var descriptor = FlightDescriptor.path("flight", String.valueOf(i));
        listener.onNext(FlightInfo.builder(Numbers.SCHEMA, descriptor, List.of()).setRecords(i).build());
      }
      listener.onCompleted();
    }
  }

  private static final class Infos extends NoOpFlightProducer {
    @Override
    public FlightInfo getFlightInfo(CallContext context, FlightDescriptor descriptor) {
      boolean missing = !descriptor.isCommand() && descriptor.getPath().get(0).equals("missing");
      if (missing) throw CallStatus.NOT_FOUND.withDescription("There is no such Flight.").toRuntimeException();
      return info(descriptor);
    }

    @Override
    public SchemaResult getSchema(CallContext context, FlightDescriptor descriptor) {
      return new SchemaResult(Numbers.SCHEMA);
    }
  }

  private static final class Get extends NoOpFlightProducer {
    @Override
    public void getStream(CallContext context, Ticket ticket, ServerStreamListener listener) {
      try (var root = Numbers.root()) {
        listener.start(root);
        for (int i = 0; i < Integer.parseInt(text(ticket.getBytes())); i++) {
          Numbers.fill(root, i);
          listener.putNext(Numbers.buffer("m" + i));
        }
        listener.completed();
      }
    }
  }

  private static final class MetadataAlone extends NoOpFlightProducer {
    @Override
    public void getStream(CallContext context, Ticket ticket, ServerStreamListener listener) {
      try (var root = Numbers.root()) {
        listener.start(root);
        Numbers.fill(root, 7);
        listener.putNext();
        listener.putMetadata(Numbers.buffer("last"));
        listener.completed();
      }
    }
  }

  private static final class Put extends NoOpFlightProducer {
    @Override
    public Runnable acceptPut(CallContext context, FlightStream stream, StreamListener<PutResult> answers) {
      return () -> {
        long rows = 0;
        while (stream.next()) {
          String mark = Numbers.text(stream.getLatestMetadata());
          if (!mark.equals("last")) rows += Numbers.read(stream).length;
          answer(answers, "ack " + mark);
        }
        answer(answers, "rows " + rows);
        answers.onCompleted();
      };
    }
  }

  private static void answer(FlightProducer.StreamListener<PutResult> answers, String text) {
    try (var result = PutResult.metadata(Numbers.buffer(text))) {
      answers.onNext(result);
    }
  }

  private static final class Exchange extends NoOpFlightProducer {
    @Override
    public void doExchange(CallContext context, FlightStream reader, ServerStreamListener writer) {
      if (!text(reader.getDescriptor().getCommand()).equals("echo")) {
        writer.error(CallStatus.INVALID_ARGUMENT.withDescription("The command is not echo.").toRuntimeException());
        return;
      }
      try (var root = Numbers.root()) {
        writer.start(root);
        while (reader.next()) {
          Numbers.fill(root, Numbers.read(reader));
          writer.putNext(Numbers.buffer(Numbers.text(reader.getLatestMetadata())));
        }
        writer.completed();
      }
    }
  }

  private static final class Actions extends NoOpFlightProducer {
    @Override
    public void listActions(CallContext context, StreamListener<ActionType> listener) {
      listener.onNext(new ActionType("echo", "Gives its body back."));
      listener.onNext(new ActionType("split", "Gives each byte of its body."));
      listener.onCompleted();
    }

    @Override
    public void doAction(CallContext context, Action action, StreamListener<Result> listener) {
      switch (action.getType()) {
        case "echo" -> listener.onNext(new Result(action.getBody()));
        case "split" -> {
          for (byte one : action.getBody()) listener.onNext(new Result(new byte[] {one}));
        }
        default -> {
          listener.onError(CallStatus.UNIMPLEMENTED.withDescription("There is no such action.").toRuntimeException());
          return;
        }
      }
      listener.onCompleted();
    }
  }

  private static final class Errors extends NoOpFlightProducer {
    @Override
    public void listActions(CallContext context, StreamListener<ActionType> listener) {
      CODES.keySet().forEach(code -> listener.onNext(new ActionType(code, "Fails by this code.")));
      listener.onCompleted();
    }

    @Override
    public void doAction(CallContext context, Action action, StreamListener<Result> listener) {
      var metadata = new ErrorFlightMetadata();
      metadata.insert("x-reason", "because");
      metadata.insert("x-reason-bin", new byte[] {0, -1, 7});
      CallStatus status = CODES.get(action.getType()).toStatus();
      listener.onError(status.withDescription(MESSAGE).withMetadata(metadata).toRuntimeException());
    }
  }

  private static final class BrokenStreams extends NoOpFlightProducer {
    @Override
    public void getStream(CallContext context, Ticket ticket, ServerStreamListener listener) {
      try (var root = Numbers.root()) {
        listener.start(root);
        for (int i = 0; i < 2; i++) {
          Numbers.fill(root, i);
          listener.putNext();
        }
        listener.error(CallStatus.RESOURCE_EXHAUSTED.withDescription("Two are enough.").toRuntimeException());
      }
    }

    @Override
    public Runnable acceptPut(CallContext context, FlightStream stream, StreamListener<PutResult> answers) {
      return () -> {
        stream.next();
        answers.onError(CallStatus.UNAUTHORIZED.withDescription("Nothing is taken.").toRuntimeException());
      };
    }
  }

  private interface Produce {
    void run(VectorSchemaRoot root, BackpressureStrategy pressure);
  }

  /** Runs the producer on a thread of its own: on the call's, it would keep the library from hearing that the client is ready. */
  private static void produce(FlightProducer.ServerStreamListener listener, Produce producer) {
    var pressure = new BackpressureStrategy.CallbackBackpressureStrategy();
    pressure.register(listener);
    new Thread(() -> {
      try (var root = Numbers.root()) {
        listener.start(root);
        producer.run(root, pressure);
      }
    }).start();
  }

  /** Waits until the client takes more; returns false when it has left. */
  private static boolean ready(BackpressureStrategy pressure) {
    return pressure.waitForListener(60_000) == BackpressureStrategy.WaitResult.READY;
  }

  private static final class Cancel extends NoOpFlightProducer {
    private final CountDownLatch left = new CountDownLatch(1);

    @Override
    public void getStream(CallContext context, Ticket ticket, ServerStreamListener listener) {
      produce(listener, (root, pressure) -> {
        for (int i = 0; ready(pressure); i++) {
          Numbers.fill(root, i);
          listener.putNext();
        }
        left.countDown();
      });
    }

    @Override
    public void doAction(CallContext context, Action action, StreamListener<Result> listener) {
      try {
        if (action.getType().equals("left")) left.await();
        else while (!context.isCancelled()) Thread.sleep(5);
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
      }
      listener.onNext(new Result(bytes("seen")));
      listener.onCompleted();
    }
  }

  /** Middleware that sends back what it gets. */
  private static final class Headers implements FlightServerMiddleware {
    static final Key<Headers> KEY = Key.of("headers");
    private final CallHeaders incoming;

    Headers(CallInfo call, CallHeaders incoming, RequestContext context) {
      this.incoming = incoming;
    }

    static String trace(FlightProducer.CallContext context) {
      return context.getMiddleware(KEY).incoming.get("traceparent");
    }

    @Override
    public void onBeforeSendingHeaders(CallHeaders outgoing) {
      if (!incoming.containsKey("x-there")) return;
      outgoing.insert("x-back", incoming.get("x-there"));
      outgoing.insert("x-back-bin", incoming.getByte("x-there-bin"));
    }

    @Override
    public void onCallCompleted(CallStatus status) {}

    @Override
    public void onCallErrored(Throwable error) {}
  }

  private interface TextOf {
    String text(FlightProducer.CallContext context);
  }

  /** Answers every action with a text about its call. */
  private static final class Answer extends NoOpFlightProducer {
    private final TextOf answer;

    Answer(TextOf answer) {
      this.answer = answer;
    }

    @Override
    public void doAction(CallContext context, Action action, StreamListener<Result> listener) {
      listener.onNext(new Result(bytes(answer.text(context))));
      listener.onCompleted();
    }
  }

  private static final class Large extends NoOpFlightProducer {
    private final AtomicInteger produced = new AtomicInteger();

    @Override
    public void getStream(CallContext context, Ticket ticket, ServerStreamListener listener) {
      produce(listener, (root, pressure) -> {
        if (text(ticket.getBytes()).equals("one")) {
          Numbers.fillWith(root, 40 * ROWS, 0);
          listener.putNext();
        } else {
          produced.set(0);
          while (produced.get() < BATCHES && ready(pressure)) {
            Numbers.fillWith(root, ROWS, produced.getAndIncrement());
            listener.putNext();
          }
        }
        listener.completed();
      });
    }

    @Override
    public Runnable acceptPut(CallContext context, FlightStream stream, StreamListener<PutResult> answers) {
      return () -> {
        long sum = 0;
        while (stream.next()) sum += IntStream.of(Numbers.read(stream)).asLongStream().sum();
        answer(answers, String.valueOf(sum));
        answers.onCompleted();
      };
    }

    @Override
    public void doAction(CallContext context, Action action, StreamListener<Result> listener) {
      listener.onNext(new Result(bytes(String.valueOf(produced.get()))));
      listener.onCompleted();
    }
  }

  private static final class GracefulEnd extends NoOpFlightProducer {
    private final AtomicReference<Runnable> close;

    GracefulEnd(AtomicReference<Runnable> close) {
      this.close = close;
    }

    @Override
    public void getStream(CallContext context, Ticket ticket, ServerStreamListener listener) {
      try (var root = Numbers.root()) {
        listener.start(root);
        for (int i = 0; i < Integer.parseInt(text(ticket.getBytes())); i++) {
          Numbers.fillWith(root, 16 << 10, i);
          listener.putNext();
          if (i == 1) close.get().run();
        }
        listener.completed();
      }
    }
  }

  /** The token is the name. */
  private static final class Tokens implements BasicServerAuthHandler.BasicAuthValidator {
    @Override
    public byte[] getToken(String name, String password) {
      return bytes(login(name, password).getPeerIdentity());
    }

    @Override
    public Optional<String> isValid(byte[] token) {
      return token != null && text(token).equals("arrow") ? Optional.of("arrow") : Optional.empty();
    }
  }

  private static final class Poll extends NoOpFlightProducer {
    @Override
    public PollInfo pollFlightInfo(CallContext context, FlightDescriptor descriptor) {
      var endpoint = new FlightEndpoint(new Ticket(bytes("long-running query")));
      var info = FlightInfo.builder(Numbers.schema(false), descriptor, List.of(endpoint)).build();
      if (text(descriptor.getCommand()).equals("poll")) return new PollInfo(info, null, 1.0, null);
      return new PollInfo(info, FlightDescriptor.command(bytes("poll")), 0.1, Instant.now().plusSeconds(10));
    }
  }

  /** Endpoints that expire, and can be cancelled and renewed. */
  private static final class Expiring extends NoOpFlightProducer {
    private final List<Boolean> cancelled = new ArrayList<>();

    @Override
    public FlightInfo getFlightInfo(CallContext context, FlightDescriptor descriptor) {
      cancelled.clear();
      var endpoints = new ArrayList<FlightEndpoint>();
      for (int i = 0; i < 3; i++) {
        cancelled.add(false);
        var endpoint = FlightEndpoint.builder(new Ticket(bytes(i + ": ")));
        if (i > 0) endpoint.setExpirationTime(Instant.now().plusSeconds(4 + i));
        endpoints.add(endpoint.build());
      }
      return FlightInfo.builder(Numbers.schema(false), descriptor, endpoints).build();
    }

    private static int index(Ticket ticket) {
      String text = text(ticket.getBytes());
      return Integer.parseInt(text.substring(0, text.indexOf(':')));
    }

    @Override
    public void getStream(CallContext context, Ticket ticket, ServerStreamListener listener) {
      if (cancelled.get(index(ticket))) {
        listener.error(CallStatus.INVALID_ARGUMENT.withDescription("It was cancelled.").toRuntimeException());
        return;
      }
      try (var root = VectorSchemaRoot.create(Numbers.schema(false), MEMORY)) {
        var vector = (UInt4Vector) root.getVector(0);
        vector.allocateNew(1);
        vector.set(0, index(ticket));
        root.setRowCount(1);
        listener.start(root);
        listener.putNext();
        listener.completed();
      }
    }

    @Override
    public void doAction(CallContext context, Action action, StreamListener<Result> listener) {
      try {
        var body = ByteBuffer.wrap(action.getBody());
        if (action.getType().equals(FlightConstants.CANCEL_FLIGHT_INFO.getType())) {
          var status = CancelStatus.CANCELLED;
          for (FlightEndpoint endpoint : CancelFlightInfoRequest.deserialize(body).getInfo().getEndpoints()) {
            if (cancelled.set(index(endpoint.getTicket()), true)) status = CancelStatus.NOT_CANCELLABLE;
          }
          send(listener, new CancelFlightInfoResult(status).serialize());
        } else {
          FlightEndpoint endpoint = RenewFlightEndpointRequest.deserialize(body).getFlightEndpoint();
          var renewed = new Ticket(bytes(index(endpoint.getTicket()) + ": renewed"));
          send(listener, FlightEndpoint.builder(renewed).setExpirationTime(Instant.now().plusSeconds(10)).build().serialize());
        }
      } catch (java.io.IOException | java.net.URISyntaxException unreadable) {
        listener.onError(CallStatus.INVALID_ARGUMENT.withCause(unreadable).toRuntimeException());
      }
    }
  }

  private static void send(FlightProducer.StreamListener<Result> listener, ByteBuffer message) {
    byte[] bytes = new byte[message.remaining()];
    message.get(bytes);
    listener.onNext(new Result(bytes));
    listener.onCompleted();
  }

  private static final class Sessions extends NoOpFlightProducer {
    static final FlightServerMiddleware.Key<ServerSessionMiddleware> KEY = FlightServerMiddleware.Key.of("session");

    @Override
    public void doAction(CallContext context, Action action, StreamListener<Result> listener) {
      ServerSessionMiddleware sessions = context.getMiddleware(KEY);
      try {
        if (action.getType().equals(FlightConstants.SET_SESSION_OPTIONS.getType())) {
          var errors = new HashMap<String, SetSessionOptionsResult.Error>();
          var invalid = SessionOptionValueFactory.makeSessionOptionValue("lol_invalid");
          SetSessionOptionsRequest.deserialize(ByteBuffer.wrap(action.getBody())).getSessionOptions().forEach((name, value) -> {
            if (name.equals("lol_invalid")) {
              errors.put(name, new SetSessionOptionsResult.Error(SetSessionOptionsResult.ErrorValue.INVALID_NAME));
            } else if (value.equals(invalid)) {
              errors.put(name, new SetSessionOptionsResult.Error(SetSessionOptionsResult.ErrorValue.INVALID_VALUE));
            } else if (value.isEmpty()) {
              sessions.getSession().eraseSessionOption(name);
            } else {
              sessions.getSession().setSessionOption(name, value);
            }
          });
          send(listener, new SetSessionOptionsResult(errors).serialize());
        } else if (action.getType().equals(FlightConstants.GET_SESSION_OPTIONS.getType())) {
          send(listener, new GetSessionOptionsResult(sessions.getSession().getSessionOptions()).serialize());
        } else {
          sessions.closeSession();
          send(listener, new CloseSessionResult(CloseSessionResult.Status.CLOSED).serialize());
        }
      } catch (java.io.IOException unreadable) {
        listener.onError(CallStatus.INVALID_ARGUMENT.withCause(unreadable).toRuntimeException());
      }
    }
  }
}
