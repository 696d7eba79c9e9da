"""confluent-kafka (librdkafka) against a broker: an idempotent producer with zstd, a transaction that is
aborted and one that is committed, a consumer group that goes on.

Arguments: bootstrap, topic (not existing), first id, count. Users FIRST .. FIRST+COUNT-1 are committed; ends
with an error when anything is not as it must be.
"""
import sys
import time

from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient, NewTopic

bootstrap, topic, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

admin = AdminClient({"bootstrap.servers": bootstrap})
admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])[topic].result(30)
assert len(admin.list_topics(timeout=10).topics[topic].partitions) == 2


def check(error, _message):
    if error is not None:
        sys.exit(f"not delivered: {error}")


def send(producer, numbers):
    for n in numbers:
        producer.produce(topic, f'{{"id": {n}, "name": "user-{n}"}}'.encode(), key=str(n), callback=check)
    assert producer.flush(30) == 0


def consume(amount):
    reader = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"group-{topic}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
    )
    reader.subscribe([topic])
    keys = []
    until = time.monotonic() + 30
    while len(keys) < amount and time.monotonic() < until:
        message = reader.poll(0.5)
        if message is None:
            continue
        assert message.error() is None or message.error().code() == KafkaError._PARTITION_EOF, message.error()
        keys.append(int(message.key()))
    reader.commit(asynchronous=False)
    reader.close()
    return sorted(keys)


third = count // 3
idempotent = Producer(
    {"bootstrap.servers": bootstrap, "enable.idempotence": True, "compression.type": "zstd", "linger.ms": 20}
)
send(idempotent, range(first, first + third))
assert consume(third) == list(range(first, first + third))

transactional = Producer({"bootstrap.servers": bootstrap, "transactional.id": f"writer-{topic}"})
transactional.init_transactions(30)
transactional.begin_transaction()
send(transactional, range(first + 1_000_000, first + 1_000_100))
transactional.abort_transaction(30)
transactional.begin_transaction()
send(transactional, range(first + third, first + count))
transactional.commit_transaction(30)
assert consume(count - third) == list(range(first + third, first + count))
print("ok")
