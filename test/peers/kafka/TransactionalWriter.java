import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Writes transactions to a topic with Kafka's own producer.
 * Arguments: bootstrap, topic, then steps: `commit:FIRST-LAST`, `abort:FIRST-LAST` (one transaction over
 * the ids, spread over the partitions by id) or `hang:FIRST-LAST` (sent, flushed and never ended: the
 * program leaves). Each message is `{"id":N,"state":"commit|abort|hang"}`.
 */
public final class TransactionalWriter {
  public static void main(String[] arguments) throws Exception {
    String topic = arguments[1];
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers", arguments[0],
            "transactional.id", "writer-" + topic,
            // Small batches: an aborted transaction spans many of them, and many responses.
            "batch.size", 1024,
            "linger.ms", 1,
            "transaction.timeout.ms", 600000);
    try (var producer =
        new KafkaProducer<String, String>(settings, new StringSerializer(), new StringSerializer())) {
      producer.initTransactions();
      int partitions = producer.partitionsFor(topic).size();
      for (int i = 2; i < arguments.length; i++) {
        String[] step = arguments[i].split("[:-]");
        String state = step[0];
        producer.beginTransaction();
        for (long id = Long.parseLong(step[1]); id <= Long.parseLong(step[2]); id++) {
          String value = "{\"id\":" + id + ",\"state\":\"" + state + "\"}";
          producer.send(new ProducerRecord<>(topic, (int) (id % partitions), null, value));
        }
        producer.flush();
        switch (state) {
          case "commit" -> producer.commitTransaction();
          case "abort" -> producer.abortTransaction();
          case "hang" -> Runtime.getRuntime().halt(0);
          default -> throw new IllegalArgumentException(arguments[i]);
        }
      }
    }
  }
}
