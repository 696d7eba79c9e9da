// Loads rows with StarRocks' official SDK. Arguments: URL of the FE, user, password, database, format (json, csv),
// mode, file of rows ("table<TAB>row" a line), and properties of the load ("key=value"), or of this program: sdk.retries,
// sdk.chunk-bytes (of one request), sdk.pause-ms (after each 10 rows).
// Modes: plain = one Stream Load request a batch; auto = with enableTransaction and automatic commits, for
// which this SDK sends plain loads, too;
// commit, abort = a transaction is prepared and then ended so; prepared = it is left prepared, as by a job that dies.
// Prints the label of each transaction, and last "ok".
import com.starrocks.data.load.stream.StreamLoadDataFormat;
import com.starrocks.data.load.stream.StreamLoadSnapshot;
import com.starrocks.data.load.stream.properties.StreamLoadProperties;
import com.starrocks.data.load.stream.properties.StreamLoadTableProperties;
import com.starrocks.data.load.stream.v2.StreamLoadManagerV2;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

public class SdkStory {
  public static void main(String[] args) throws Exception {
    String url = args[0], user = args[1], password = args[2], database = args[3];
    String format = args[4], mode = args[5];
    Map<String, String> story = new HashMap<>();
    for (int i = 7; i < args.length; i += 1)
      if (args[i].startsWith("sdk."))
        story.put(args[i].substring(0, args[i].indexOf('=')), args[i].substring(args[i].indexOf('=') + 1));
    long chunkBytes = Long.parseLong(story.getOrDefault("sdk.chunk-bytes", "67108864"));
    long pauseMs = Long.parseLong(story.getOrDefault("sdk.pause-ms", "0"));
    List<String> lines = Files.readAllLines(Path.of(args[6]));
    StreamLoadProperties.Builder properties =
        StreamLoadProperties.builder()
            .loadUrls(url)
            .jdbcUrl("jdbc:mysql://not-used")
            .username(user)
            .password(password)
            .version("3.3.0")
            .labelPrefix("sdk-")
            .ioThreadCount(2)
            .scanningFrequency(50)
            .expectDelayTime(mode.equals("auto") || mode.equals("plain") ? 300 : 3_600_000)
            .connectTimeout(5_000)
            .maxRetries(Integer.parseInt(story.getOrDefault("sdk.retries", "2")))
            .retryIntervalInMs(200);
    if (!mode.equals("plain")) properties.enableTransaction();
    StreamLoadTableProperties first = null;
    Set<String> tables = new LinkedHashSet<>();
    for (String line : lines) tables.add(line.substring(0, line.indexOf('\t')));
    for (String table : tables) {
      StreamLoadTableProperties.Builder of =
          StreamLoadTableProperties.builder()
              .uniqueKey(table)
              .database(database)
              .table(table)
              // By default every row is a request of its own.
              .chunkLimit(chunkBytes)
              .enableUpsertDelete(false)
              .streamLoadDataFormat(
                  format.equals("json") ? StreamLoadDataFormat.JSON : StreamLoadDataFormat.CSV);
      if (format.equals("json")) of.addProperty("format", "json").addProperty("strip_outer_array", "true");
      for (int i = 7; i < args.length; i += 1) {
        if (args[i].startsWith("sdk.")) continue;
        int at = args[i].indexOf('=');
        String key = args[i].substring(0, at);
        of.addProperty(key, args[i].substring(at + 1));
      }
      StreamLoadTableProperties made = of.build();
      if (first == null) first = made;
      properties.addTableProperties(made);
    }
    StreamLoadManagerV2 manager =
        new StreamLoadManagerV2(
            properties.defaultTableProperties(first).build(),
            mode.equals("auto") || mode.equals("plain"));
    manager.init();
    try {
      int written = 0;
      for (String line : lines) {
        written += 1;
        if (pauseMs > 0 && written % 10 == 0) Thread.sleep(pauseMs);
        int at = line.indexOf('\t');
        String table = line.substring(0, at);
        manager.write(table, database, table, line.substring(at + 1));
      }
      manager.flush();
      if (!mode.equals("auto") && !mode.equals("plain")) end(manager, mode);
    } finally {
      if (!mode.equals("prepared")) manager.close();
    }
    System.out.println("ok");
    System.exit(0);
  }

  private static void end(StreamLoadManagerV2 manager, String mode) {
    StreamLoadSnapshot snapshot = manager.snapshot();
    for (StreamLoadSnapshot.Transaction one : snapshot.getTransactions())
      System.out.println("label " + one.getLabel());
    if (!manager.prepare(snapshot)) throw new IllegalStateException("not prepared");
    if (mode.equals("commit") && !manager.commit(snapshot))
      throw new IllegalStateException("not committed");
    if (mode.equals("abort") && !manager.abort(snapshot))
      throw new IllegalStateException("not rolled back");
  }
}
