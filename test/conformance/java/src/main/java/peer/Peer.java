package peer;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import org.apache.arrow.flight.FlightServer;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;

/**
 * The peer. {@code client} answers questions, a JSON list [URI, SCENARIO, FILE] a line, with null or what is wrong; {@code server
 * SCENARIO FOLDER} prints its port and serves until its input ends. FOLDER has the certificates.
 */
public final class Peer {
  static final BufferAllocator MEMORY = new RootAllocator();

  /** Where the server listens, once it does. */
  static volatile int port;

  public static void main(String[] args) throws Exception {
    if (args[0].equals("client")) {
      answer();
      return;
    }
    FlightServer server = Servers.build(args[1], args[2]).start();
    port = server.getPort();
    System.out.println(port);
    while (System.in.read() >= 0) {}
    // What streams and keeps data at its end is not what is tested.
    Runtime.getRuntime().halt(0);
  }

  private static void answer() throws Exception {
    var json = new ObjectMapper();
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] question = json.readValue(line, String[].class);
      String answer = null;
      try {
        Clients.run(question[1], question[0], question.length > 2 ? question[2] : "");
      } catch (NotRun reason) {
        answer = "not run: " + reason.getMessage();
      } catch (Throwable wrong) {
        var trace = new StringWriter();
        wrong.printStackTrace(new PrintWriter(trace));
        answer = trace.toString().lines().limit(12).reduce("", (all, next) -> all + next + "\n");
      }
      System.out.println(json.writeValueAsString(answer));
    }
    Runtime.getRuntime().halt(0);
  }

  /** What this library cannot do, whoever its peer is. */
  static final class NotRun extends RuntimeException {
    NotRun(String reason) {
      super(reason);
    }
  }

  static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }

  static void equal(Object actual, Object expected, String what) {
    check(expected.equals(actual), what + ": " + actual + " and not " + expected);
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
