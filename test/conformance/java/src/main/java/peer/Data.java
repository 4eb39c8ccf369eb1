package peer;

import static peer.Peer.MEMORY;
import static peer.Peer.bytes;
import static peer.Peer.check;
import static peer.Peer.equal;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.nio.channels.Channels;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.arrow.compression.CommonsCompressionFactory;
import org.apache.arrow.flight.CallStatus;
import org.apache.arrow.flight.FlightClient;
import org.apache.arrow.flight.FlightDescriptor;
import org.apache.arrow.flight.FlightEndpoint;
import org.apache.arrow.flight.FlightInfo;
import org.apache.arrow.flight.FlightStream;
import org.apache.arrow.flight.Location;
import org.apache.arrow.flight.NoOpFlightProducer;
import org.apache.arrow.flight.PutResult;
import org.apache.arrow.flight.SyncPutListener;
import org.apache.arrow.flight.Ticket;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorLoader;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.VectorUnloader;
import org.apache.arrow.vector.dictionary.DictionaryEncoder;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.ipc.ArrowFileReader;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.types.pojo.Schema;

/** The data mode: what an IPC file holds is put, with app_metadata "0", "1", … on its batches, and read back. */
final class Data {
  static void putAndGet(String uri, String file) throws Exception {
    List<String> rows = tryAlone(file);
    var descriptor = FlightDescriptor.path(file);
    try (var client = Clients.connect(uri).build()) {
      put(client, descriptor, file);
      FlightInfo info = client.getInfo(descriptor);
      check(!info.getEndpoints().isEmpty(), "The FlightInfo has no endpoint.");
      for (FlightEndpoint endpoint : info.getEndpoints()) {
        check(!endpoint.getLocations().isEmpty(), "The FlightInfo names no location.");
        for (Location location : endpoint.getLocations()) {
          try (var other = FlightClient.builder(MEMORY, location).build(); var stream = other.getStream(endpoint.getTicket())) {
            var got = new ArrayList<String>();
            while (stream.next()) {
              equal(Numbers.text(stream.getLatestMetadata()), String.valueOf(got.size()), "the app_metadata");
              got.add(rowsOf(stream.getRoot(), stream.getDictionaryProvider()));
            }
            equal(got, rows, "the rows");
          }
        }
      }
    }
  }

  private static void put(FlightClient client, FlightDescriptor descriptor, String file) throws Exception {
    try (var reader = open(file); var answers = new SyncPutListener()) {
      VectorSchemaRoot root = reader.getVectorSchemaRoot();
      FlightClient.ClientStreamListener stream = null;
      int batches = 0;
      // The dictionaries are there once the first batch is.
      while (reader.loadNextBatch() || stream == null) {
        if (stream == null) stream = client.startPut(descriptor, root, reader, answers);
        if (reader.getRecordBlocks().isEmpty()) break;
        stream.putNext(Numbers.buffer(String.valueOf(batches)));
        try (PutResult result = answers.poll(10, TimeUnit.SECONDS)) {
          check(result != null, "batch " + batches + " was not acknowledged");
          equal(Numbers.text(result.getApplicationMetadata()), String.valueOf(batches), "the answer");
        }
        batches += 1;
      }
      stream.completed();
      stream.getResult();
    }
  }

  private static ArrowFileReader open(String file) throws Exception {
    return new ArrowFileReader(new FileInputStream(file).getChannel(), MEMORY, CommonsCompressionFactory.INSTANCE);
  }

  /** The rows of each batch as text. Throws NotRun for a file that this library cannot read, write and read again by itself. */
  private static List<String> tryAlone(String file) {
    try (var reader = open(file)) {
      int dictionaries = reader.getDictionaryVectors().size();
      if (reader.getDictionaryBlocks().size() > dictionaries) {
        throw new Peer.NotRun("Arrow's Java Flight sends each dictionary once, before the batches: what later ones add is lost.");
      }
      var rows = new ArrayList<String>();
      var copy = new ByteArrayOutputStream();
      VectorSchemaRoot root = reader.getVectorSchemaRoot();
      ArrowStreamWriter writer = null;
      while (reader.loadNextBatch()) {
        if (writer == null) writer = new ArrowStreamWriter(root, reader, Channels.newChannel(copy));
        writer.writeBatch();
        rows.add(rowsOf(root, reader));
      }
      if (writer == null) return rows;
      writer.end();
      var again = new ArrayList<String>();
      try (var stream = new ArrowStreamReader(new ByteArrayInputStream(copy.toByteArray()), MEMORY)) {
        while (stream.loadNextBatch()) again.add(rowsOf(stream.getVectorSchemaRoot(), stream));
      }
      equal(again, rows, "what it wrote and read again");
      return rows;
    } catch (Peer.NotRun reason) {
      throw reason;
    } catch (Throwable wrong) {
      throw new Peer.NotRun("Arrow's Java library cannot read this type from a file, write it and read it again: " + wrong);
    }
  }

  private static String rowsOf(VectorSchemaRoot root, DictionaryProvider dictionaries) {
    var text = new StringBuilder();
    for (FieldVector vector : root.getFieldVectors()) {
      var encoding = vector.getField().getDictionary();
      text.append(vector.getField()).append(' ');
      if (encoding == null) {
        text.append(valuesOf(vector));
      } else {
        try (var decoded = DictionaryEncoder.decode(vector, dictionaries.lookup(encoding.getId()))) {
          text.append(valuesOf(decoded));
        }
      }
      text.append('\n');
    }
    return text.toString();
  }

  private static List<String> valuesOf(org.apache.arrow.vector.ValueVector vector) {
    var values = new ArrayList<String>();
    for (int i = 0; i < vector.getValueCount(); i++) {
      Object value = vector.getObject(i);
      values.add(value instanceof byte[] bytes ? java.util.Arrays.toString(bytes) : String.valueOf(value));
    }
    return values;
  }

  /** Keeps what is put under a path, decoded, and encodes it anew for every reader. */
  static final class Store extends NoOpFlightProducer {
    private record Kept(Schema schema, DictionaryProvider dictionaries, List<ArrowRecordBatch> batches, List<String> marks) {}

    private final Map<String, Kept> datasets = new ConcurrentHashMap<>();

    @Override
    public Runnable acceptPut(CallContext context, FlightStream stream, StreamListener<PutResult> answers) {
      return () -> {
        var batches = new ArrayList<ArrowRecordBatch>();
        var marks = new ArrayList<String>();
        while (stream.next()) {
          String mark = Numbers.text(stream.getLatestMetadata());
          batches.add(new VectorUnloader(stream.getRoot()).getRecordBatch());
          marks.add(mark);
          try (var result = PutResult.metadata(Numbers.buffer(mark))) {
            answers.onNext(result);
          }
        }
        String path = stream.getDescriptor().getPath().get(0);
        datasets.put(path, new Kept(stream.getSchema(), stream.takeDictionaryOwnership(), batches, marks));
        answers.onCompleted();
      };
    }

    @Override
    public FlightInfo getFlightInfo(CallContext context, FlightDescriptor descriptor) {
      Kept kept = find(descriptor.getPath().get(0));
      long rows = kept.batches.stream().mapToLong(ArrowRecordBatch::getLength).sum();
      var endpoint = new FlightEndpoint(new Ticket(bytes(descriptor.getPath().get(0))), Location.forGrpcInsecure("127.0.0.1", Peer.port));
      return FlightInfo.builder(kept.schema, descriptor, List.of(endpoint)).setRecords(rows).build();
    }

    @Override
    public void getStream(CallContext context, Ticket ticket, ServerStreamListener listener) {
      Kept kept = find(Peer.text(ticket.getBytes()));
      try (var root = VectorSchemaRoot.create(kept.schema, MEMORY)) {
        listener.start(root, kept.dictionaries);
        var loader = new VectorLoader(root);
        for (int i = 0; i < kept.batches.size(); i++) {
          loader.load(kept.batches.get(i));
          listener.putNext(Numbers.buffer(kept.marks.get(i)));
        }
        listener.completed();
      }
    }

    private Kept find(String path) {
      Kept kept = datasets.get(path);
      if (kept == null) throw CallStatus.NOT_FOUND.withDescription("There is no " + path + ".").toRuntimeException();
      return kept;
    }
  }
}
