// Writes a file of JSON lines into a table with Spark and StarRocks' connector. Arguments: the file, its columns as
// Spark's DDL, and options of the connector ("key=value"), or of this program: story.pause-ms (after each 10 rows).
// Prints "ok" when the write ended well.
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.api.java.function.FilterFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

public class SparkStory {
  public static void main(String[] args) {
    SparkSession spark =
        SparkSession.builder()
            .master("local[2]")
            .appName("story")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.sql.session.timeZone", "UTC")
            .getOrCreate();
    spark.sparkContext().setLogLevel("ERROR");
    Map<String, String> options = new HashMap<>();
    for (int i = 2; i < args.length; i += 1) {
      int at = args[i].indexOf('=');
      options.put(args[i].substring(0, at), args[i].substring(at + 1));
    }
    String pauseMs = options.remove("story.pause-ms");
    Dataset<Row> rows = spark.read().schema(args[1]).json(args[0]);
    if (pauseMs != null) rows = rows.filter(paced(Long.parseLong(pauseMs)));
    rows.write().format("starrocks").mode("append").options(options).save();
    spark.stop();
    System.out.println("ok");
  }

  /** Lets all rows through and takes its time, so that something can happen in the middle of them. */
  private static FilterFunction<Row> paced(long pauseMs) {
    AtomicInteger count = new AtomicInteger();
    return row -> {
      if (count.incrementAndGet() % 10 == 0) Thread.sleep(pauseMs);
      return true;
    };
  }
}
