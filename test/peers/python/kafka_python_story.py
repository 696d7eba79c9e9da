"""kafka-python against a broker: topics, producing with gzip and headers, a consumer group that goes on.

Arguments: bootstrap, topic (not existing), first id, count. Produces users FIRST .. FIRST+COUNT-1; ends with
an error when anything is not as it must be.
"""
import sys

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewPartitions, NewTopic

bootstrap, topic, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

admin = KafkaAdminClient(bootstrap_servers=bootstrap)
admin.create_topics([NewTopic(name=topic, num_partitions=1, replication_factor=1)])
assert topic in admin.list_topics(), admin.list_topics()
admin.create_partitions({topic: NewPartitions(total_count=2)})

half = count // 2
producer = KafkaProducer(
    bootstrap_servers=bootstrap,
    acks="all",
    compression_type="gzip",
    linger_ms=20,
)
assert producer.partitions_for(topic) == {0, 1}, producer.partitions_for(topic)


def send(numbers):
    for n in numbers:
        value = f'{{"id": {n}, "name": "user-{n}"}}'.encode()
        key = str(n).encode()
        producer.send(topic, value, key=key, headers=[("from", b"kafka-python")], partition=n % 2)
    producer.flush()


def consumer():
    return KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=f"group-{topic}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=15000,
    )


def take(reader, amount):
    records = []
    for record in reader:
        records.append(record)
        if len(records) == amount:
            break
    assert len(records) == amount, f"{len(records)} of {amount}"
    return records


send(range(first, first + half))
reader = consumer()
records = take(reader, half)
assert sorted(int(r.key) for r in records) == list(range(first, first + half))
assert all(r.headers == [("from", b"kafka-python")] or r.headers == (("from", b"kafka-python"),) for r in records)
reader.commit()
reader.close()

send(range(first + half, first + count))
reader = consumer()
records = take(reader, count - half)
assert sorted(int(r.key) for r in records) == list(range(first + half, first + count))
reader.commit()
ends = reader.end_offsets([TopicPartition(topic, 0), TopicPartition(topic, 1)])
assert sum(ends.values()) == count, ends
assert sum(reader.committed(partition) for partition in ends) == count
reader.close()
producer.close()
admin.close()
print("ok")
