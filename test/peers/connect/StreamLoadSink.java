// A sink for Kafka Connect over StarRocks' official SDK, in the way of StarRocks' own one (which no registry has): every
// value becomes a JSON object, the SDK loads them, and offsets are given back once they are in.
// Settings: url, user, password, database, and "load." + property of the load. The table has the topic's name.
import com.fasterxml.jackson.databind.ObjectMapper;
import com.starrocks.data.load.stream.StreamLoadDataFormat;
import com.starrocks.data.load.stream.properties.StreamLoadProperties;
import com.starrocks.data.load.stream.properties.StreamLoadTableProperties;
import com.starrocks.data.load.stream.v2.StreamLoadManagerV2;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;

public class StreamLoadSink extends SinkConnector {
  private Map<String, String> settings;

  @Override
  public void start(Map<String, String> given) {
    settings = given;
  }

  @Override
  public Class<? extends Task> taskClass() {
    return LoadTask.class;
  }

  @Override
  public List<Map<String, String>> taskConfigs(int maxTasks) {
    return Collections.singletonList(settings);
  }

  @Override
  public void stop() {}

  @Override
  public ConfigDef config() {
    return new ConfigDef();
  }

  @Override
  public String version() {
    return "1";
  }

  public static class LoadTask extends SinkTask {
    private static final ObjectMapper JSON = new ObjectMapper();
    private StreamLoadManagerV2 manager;
    private String database;

    @Override
    public String version() {
      return "1";
    }

    @Override
    public void start(Map<String, String> settings) {
      database = settings.get("database");
      StreamLoadProperties.Builder properties =
          StreamLoadProperties.builder()
              .loadUrls(settings.get("url"))
              .jdbcUrl("jdbc:mysql://not-used")
              .username(settings.get("user"))
              .password(settings.get("password"))
              .version("3.3.0")
              .labelPrefix("connect-")
              .enableTransaction()
              .ioThreadCount(2)
              .scanningFrequency(50)
              .expectDelayTime(500)
              .maxRetries(3);
      StreamLoadTableProperties first = null;
      for (String topic : settings.get("topics").split(",")) {
        StreamLoadTableProperties.Builder table =
            StreamLoadTableProperties.builder()
                .uniqueKey(topic)
                .database(database)
                .table(topic)
                // By default every row is a request of its own.
                .chunkLimit(64L * 1024 * 1024)
                .streamLoadDataFormat(StreamLoadDataFormat.JSON)
                .addProperty("format", "json")
                .addProperty("strip_outer_array", "true");
        for (Map.Entry<String, String> one : settings.entrySet())
          if (one.getKey().startsWith("load."))
            table.addProperty(one.getKey().substring("load.".length()), one.getValue());
        StreamLoadTableProperties made = table.build();
        if (first == null) first = made;
        properties.addTableProperties(made);
      }
      manager = new StreamLoadManagerV2(properties.defaultTableProperties(first).build(), true);
      manager.init();
    }

    @Override
    public void put(Collection<SinkRecord> records) {
      try {
        for (SinkRecord record : records)
          if (record.value() != null)
            manager.write(
                record.topic(), database, record.topic(), JSON.writeValueAsString(record.value()));
      } catch (Exception e) {
        throw new ConnectException(e);
      }
    }

    @Override
    public Map<TopicPartition, OffsetAndMetadata> preCommit(
        Map<TopicPartition, OffsetAndMetadata> offsets) {
      manager.flush();
      if (manager.getException() != null) throw new ConnectException(manager.getException());
      return offsets;
    }

    @Override
    public void stop() {
      if (manager != null) manager.close();
    }
  }
}
