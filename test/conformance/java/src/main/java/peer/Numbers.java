package peer;

import java.util.List;
import java.util.stream.IntStream;
import org.apache.arrow.flight.FlightStream;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;

/** Streams of one column, number: int32. */
final class Numbers {
  static final Schema SCHEMA = schema(true);

  /** The column as it is in the scenarios: signed here, unsigned in some of Arrow's. */
  static Schema schema(boolean signed) {
    return new Schema(List.of(new Field("number", FieldType.notNullable(new ArrowType.Int(32, signed)), null)));
  }

  static VectorSchemaRoot root() {
    return VectorSchemaRoot.create(SCHEMA, Peer.MEMORY);
  }

  /** Fills the root with one batch. */
  static void fill(VectorSchemaRoot root, int... values) {
    var vector = (IntVector) root.getVector(0);
    vector.allocateNew(values.length);
    for (int i = 0; i < values.length; i++) vector.set(i, values[i]);
    root.setRowCount(values.length);
  }

  /** Fills the root with one batch of rows that are all the same. */
  static void fillWith(VectorSchemaRoot root, int rows, int value) {
    fill(root, IntStream.generate(() -> value).limit(rows).toArray());
  }

  /** The batch that was read last; empty for a message of app_metadata alone. */
  static int[] read(FlightStream stream) {
    if (!stream.hasRoot()) return new int[0];
    var vector = (IntVector) stream.getRoot().getVector(0);
    return IntStream.range(0, stream.getRoot().getRowCount()).map(vector::get).toArray();
  }

  static ArrowBuf buffer(String text) {
    byte[] bytes = Peer.bytes(text);
    ArrowBuf buffer = Peer.MEMORY.buffer(Math.max(1, bytes.length));
    buffer.writeBytes(bytes);
    return buffer;
  }

  static String text(ArrowBuf buffer) {
    if (buffer == null) return "";
    byte[] bytes = new byte[(int) buffer.readableBytes()];
    buffer.getBytes(buffer.readerIndex(), bytes);
    return Peer.text(bytes);
  }
}
