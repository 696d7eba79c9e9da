import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Writes transactions to a topic with Kafka's own producer.
 * Arguments: bootstrap, topic, then steps: `commit:FIRST-LAST`, `abort:FIRST-LAST` (one transaction over
 * the ids, spread over the partitions by id) or `hang:FIRST-LAST` (sent, flushed and never ended: the
 * program leaves). Each message is `{"id":N,"state":"commit|abort|hang"}`.
 * Transactions that lie within each other, each of a producer of its own: `open@NAME:STATE:FIRST-LAST` begins
 * one and sends, `more@NAME:STATE:FIRST-LAST` sends more, `commit@NAME` and `abort@NAME` end it.
 */
public final class TransactionalWriter {
  private static KafkaProducer<String, String> producer(String bootstrap, String id) {
    return new KafkaProducer<>(
        Map.of(
            "bootstrap.servers", bootstrap,
            "transactional.id", id,
            // Small batches: an aborted transaction spans many of them, and many responses.
            "batch.size", 1024,
            "linger.ms", 1,
            "transaction.timeout.ms", 600000),
        new StringSerializer(),
        new StringSerializer());
  }

  private static void send(
      KafkaProducer<String, String> producer, String topic, String state, String range)
      throws Exception {
    int partitions = producer.partitionsFor(topic).size();
    String[] ends = range.split("-");
    for (long id = Long.parseLong(ends[0]); id <= Long.parseLong(ends[1]); id++) {
      String value = "{\"id\":" + id + ",\"state\":\"" + state + "\"}";
      producer.send(new ProducerRecord<>(topic, (int) (id % partitions), null, value));
    }
    producer.flush();
  }

  /** A step `verb@NAME...` on the producer of that name. */
  private static void named(
      Map<String, KafkaProducer<String, String>> producers, String bootstrap, String topic, String step)
      throws Exception {
    String[] parts = step.split("[@:]");
    String name = parts[1];
    switch (parts[0]) {
      case "open", "more" -> {
        if (!producers.containsKey(name)) {
          producers.put(name, producer(bootstrap, "writer-" + topic + "-" + name));
          producers.get(name).initTransactions();
        }
        if (parts[0].equals("open")) producers.get(name).beginTransaction();
        send(producers.get(name), topic, parts[2], parts[3]);
      }
      case "commit" -> producers.get(name).commitTransaction();
      case "abort" -> producers.get(name).abortTransaction();
      default -> throw new IllegalArgumentException(step);
    }
  }

  public static void main(String[] arguments) throws Exception {
    String topic = arguments[1];
    Map<String, KafkaProducer<String, String>> named = new HashMap<>();
    try (var producer = producer(arguments[0], "writer-" + topic)) {
      producer.initTransactions();
      for (int i = 2; i < arguments.length; i++) {
        if (arguments[i].contains("@")) {
          named(named, arguments[0], topic, arguments[i]);
          continue;
        }
        String[] step = arguments[i].split(":");
        String state = step[0];
        producer.beginTransaction();
        send(producer, topic, state, step[1]);
        switch (state) {
          case "commit" -> producer.commitTransaction();
          case "abort" -> producer.abortTransaction();
          case "hang" -> Runtime.getRuntime().halt(0);
          default -> throw new IllegalArgumentException(arguments[i]);
        }
      }
    }
    // Transactions that are still open stay so: closing a producer would abort them.
    Runtime.getRuntime().halt(0);
  }
}
