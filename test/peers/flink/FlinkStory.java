// Writes changes into a table with Flink (a mini cluster in this process) and StarRocks' connector. Arguments: file of
// changes, "append" or "upsert" (the sink table has a primary key), and options of the connector ("key=value"), or of
// this program: story.pause-ms (after each 10 changes), story.restarts (how often the job goes on from its last checkpoint).
// A line of the file: kind (+I, +U, -D), then id, name, price, day, at, good and ratio, separated by tabs; \N = NULL.
// Prints "ok" when the job ended well.
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.restartstrategy.RestartStrategies;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;

public class FlinkStory {
  private static final String[] NAMES = {"id", "name", "price", "day", "at", "good", "ratio"};

  public static void main(String[] args) throws Exception {
    boolean upsert = args[1].equals("upsert");
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.setParallelism(1);
    env.enableCheckpointing(500);
    Map<String, String> story = new HashMap<>();
    StringBuilder options = new StringBuilder("'connector' = 'starrocks'");
    for (int i = 2; i < args.length; i += 1) {
      int at = args[i].indexOf('=');
      String key = args[i].substring(0, at), value = args[i].substring(at + 1);
      if (key.startsWith("story.")) story.put(key, value);
      else options.append(", '").append(key).append("' = '").append(value).append("'");
    }
    int restarts = Integer.parseInt(story.getOrDefault("story.restarts", "0"));
    long pauseMs = Long.parseLong(story.getOrDefault("story.pause-ms", "0"));
    env.setRestartStrategy(
        restarts == 0 ? RestartStrategies.noRestart() : RestartStrategies.fixedDelayRestart(restarts, 1000));
    StreamTableEnvironment tables = StreamTableEnvironment.create(env);
    List<Row> rows = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of(args[0]))) rows.add(row(line.split("\t", -1)));
    TypeInformation<Row> type =
        Types.ROW_NAMED(
            NAMES, Types.INT, Types.STRING, Types.BIG_DEC, Types.LOCAL_DATE, Types.LOCAL_DATE_TIME, Types.BOOLEAN, Types.DOUBLE);
    DataStream<Row> stream = env.fromCollection(rows, type);
    if (pauseMs > 0) stream = stream.map(new Paced(pauseMs)).returns(type);
    Schema.Builder schema =
        Schema.newBuilder()
            .column("id", upsert ? DataTypes.INT().notNull() : DataTypes.INT())
            .column("name", DataTypes.STRING())
            .column("price", DataTypes.DECIMAL(10, 2))
            .column("day", DataTypes.DATE())
            .column("at", DataTypes.TIMESTAMP(0))
            .column("good", DataTypes.BOOLEAN())
            .column("ratio", DataTypes.DOUBLE());
    if (upsert) {
      schema.primaryKey("id");
      tables.createTemporaryView(
          "changes", tables.fromChangelogStream(stream, schema.build(), ChangelogMode.upsert()));
    } else {
      tables.createTemporaryView("changes", tables.fromDataStream(stream, schema.build()));
    }
    String key = upsert ? ", PRIMARY KEY (id) NOT ENFORCED" : "";
    tables.executeSql(
        "CREATE TABLE sink (id INT, name STRING, price DECIMAL(10, 2), `day` DATE, `at` TIMESTAMP(0), good BOOLEAN, ratio DOUBLE"
            + key + ") WITH (" + options + ")");
    tables.executeSql("INSERT INTO sink SELECT id, name, price, `day`, `at`, good, ratio FROM changes").await();
    System.out.println("ok");
    System.exit(0);
  }

  /** A stream that takes its time, so that something can happen in the middle of it. */
  private static final class Paced implements MapFunction<Row, Row> {
    private final long pauseMs;
    private int count;

    Paced(long pauseMs) {
      this.pauseMs = pauseMs;
    }

    @Override
    public Row map(Row row) throws InterruptedException {
      count += 1;
      if (count % 10 == 0) Thread.sleep(pauseMs);
      return row;
    }
  }

  private static Row row(String[] fields) {
    RowKind kind =
        switch (fields[0]) {
          case "+I" -> RowKind.INSERT;
          case "+U" -> RowKind.UPDATE_AFTER;
          case "-D" -> RowKind.DELETE;
          default -> throw new IllegalArgumentException(fields[0]);
        };
    Row row = Row.withNames(kind);
    row.setField("id", Integer.valueOf(fields[1]));
    row.setField("name", text(fields[2]));
    row.setField("price", text(fields[3]) == null ? null : new BigDecimal(fields[3]));
    row.setField("day", text(fields[4]) == null ? null : LocalDate.parse(fields[4]));
    row.setField("at", text(fields[5]) == null ? null : LocalDateTime.parse(fields[5]));
    row.setField("good", text(fields[6]) == null ? null : Boolean.valueOf(fields[6]));
    row.setField("ratio", text(fields[7]) == null ? null : Double.valueOf(fields[7]));
    return row;
  }

  private static String text(String field) {
    return field.equals("\\N") ? null : field;
  }
}
