import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Writes a topic with every codec of Kafka's own producer, in small and in large batches, and with headers.
 * Arguments: bootstrap, topic, first id, messages per codec and size. Each message is
 * `{"id":N,"client":"java","codec":"gzip","batch":"small"}`.
 */
public final class CodecWriter {
  private static void write(
      String bootstrap, String topic, String codec, String batch, long first, long count)
      throws Exception {
    boolean small = batch.equals("small");
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers", bootstrap,
            "compression.type", codec,
            "batch.size", small ? 400 : 1048576,
            "linger.ms", small ? 0 : 500);
    try (var producer =
        new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      for (long id = first; id < first + count; id++) {
        String value =
            "{\"id\":" + id + ",\"client\":\"java\",\"codec\":\"" + codec + "\",\"batch\":\"" + batch + "\"}";
        ProducerRecord<String, String> message = new ProducerRecord<>(topic, "key-" + id % 7, value);
        if (id % 10 == 0) message.headers().add("id", Long.toString(id).getBytes());
        producer.send(message);
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    long first = Long.parseLong(arguments[2]);
    long count = Long.parseLong(arguments[3]);
    for (String codec : new String[] {"none", "gzip", "snappy", "lz4", "zstd"}) {
      for (String batch : new String[] {"small", "large"}) {
        write(arguments[0], arguments[1], codec, batch, first, count);
        first += count;
      }
    }
  }
}
