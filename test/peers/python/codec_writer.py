"""Writes a topic with every codec of librdkafka, in small and in large batches, and with headers.

Arguments: bootstrap topic first count. Each message is {"id":N,"client":"librdkafka","codec":"gzip","batch":"small"},
`count` of each codec and size.
"""
import sys

from confluent_kafka import Producer

bootstrap, topic, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
failed = []


def delivered(error, _message):
    if error is not None:
        failed.append(str(error))


for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
    for batch in ("small", "large"):
        small = batch == "small"
        producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "compression.type": codec,
                "batch.num.messages": 5 if small else 100000,
                "linger.ms": 0 if small else 500,
            }
        )
        for n in range(first, first + count):
            value = f'{{"id":{n},"client":"librdkafka","codec":"{codec}","batch":"{batch}"}}'
            headers = [("id", str(n).encode())] if n % 10 == 0 else None
            producer.produce(topic, value.encode(), f"key-{n % 7}", headers=headers, callback=delivered)
            producer.poll(0)
        producer.flush(120)
        first += count
if failed:
    sys.exit(f"{len(failed)} not delivered: {failed[0]}")
