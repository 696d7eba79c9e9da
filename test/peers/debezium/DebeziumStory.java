import io.debezium.engine.ChangeEvent;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.Json;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Debezium's engine on a PostgreSQL, twice: with schemas in its messages (topics `schemas.public.TABLE`) and without
 * (`plain.public.TABLE`, decimals as texts). What it gives goes to Kafka. Ends once both saw a row of the table `done`.
 * Arguments: bootstrap, port of PostgreSQL, database.
 */
public final class DebeziumStory {
  private static Properties settings(String prefix, String port, String database) {
    Properties settings = new Properties();
    settings.setProperty("name", prefix);
    settings.setProperty("connector.class", "io.debezium.connector.postgresql.PostgresConnector");
    settings.setProperty(
        "offset.storage", "org.apache.kafka.connect.storage.MemoryOffsetBackingStore");
    settings.setProperty("database.hostname", "127.0.0.1");
    settings.setProperty("database.port", port);
    settings.setProperty("database.user", "postgres");
    settings.setProperty("database.password", "postgres");
    settings.setProperty("database.dbname", database);
    settings.setProperty("topic.prefix", prefix);
    settings.setProperty("plugin.name", "pgoutput");
    settings.setProperty("slot.name", prefix);
    settings.setProperty("publication.name", prefix);
    settings.setProperty("slot.drop.on.stop", "true");
    settings.setProperty("poll.interval.ms", "50");
    boolean plain = prefix.equals("plain");
    settings.setProperty("converter.schemas.enable", plain ? "false" : "true");
    if (plain) settings.setProperty("decimal.handling.mode", "string");
    return settings;
  }

  public static void main(String[] arguments) throws Exception {
    var producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", arguments[0], "linger.ms", 5),
            new StringSerializer(),
            new StringSerializer());
    var threads = Executors.newFixedThreadPool(2);
    CountDownLatch done = new CountDownLatch(2);
    for (String prefix : new String[] {"schemas", "plain"}) {
      DebeziumEngine<ChangeEvent<String, String>> engine =
          DebeziumEngine.create(Json.class)
              .using(settings(prefix, arguments[1], arguments[2]))
              .notifying(
                  event -> {
                    String topic = event.destination();
                    producer.send(new ProducerRecord<>(topic, event.key(), event.value()));
                    if (topic.endsWith(".done")) done.countDown();
                  })
              .using(
                  (success, message, error) -> {
                    if (success) return;
                    System.err.println(message);
                    if (error != null) error.printStackTrace();
                    Runtime.getRuntime().halt(1);
                  })
              .build();
      threads.execute(engine);
    }
    if (!done.await(120, TimeUnit.SECONDS)) throw new IllegalStateException("not done in time");
    producer.flush();
    System.out.println("done");
    // Slots and threads end with the process; the test's database goes with it.
    Runtime.getRuntime().halt(0);
  }
}
