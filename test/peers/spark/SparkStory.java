// Writes a file of JSON lines into a table with Spark and StarRocks' connector. Arguments: the file, its columns as
// Spark's DDL, and options of the connector ("key=value"). Prints "ok" when the write ended well.
import org.apache.spark.sql.DataFrameWriter;
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
    DataFrameWriter<Row> writer =
        spark.read().schema(args[1]).json(args[0]).write().format("starrocks").mode("append");
    for (int i = 2; i < args.length; i += 1) {
      int at = args[i].indexOf('=');
      writer = writer.option(args[i].substring(0, at), args[i].substring(at + 1));
    }
    writer.save();
    spark.stop();
    System.out.println("ok");
  }
}
