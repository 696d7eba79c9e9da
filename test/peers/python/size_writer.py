"""Writes messages of given sizes to partition 0 with librdkafka, each of other text; prints "SIZE MD5" of each.

Arguments: bootstrap topic codec size... A size of `null` is a message without a value.
"""
import hashlib
import sys

from confluent_kafka import Producer

bootstrap, topic, codec, sizes = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
producer = Producer(
    {"bootstrap.servers": bootstrap, "compression.type": codec, "message.max.bytes": 40000000}
)
failed = []


def delivered(error, _message):
    if error is not None:
        failed.append(str(error))


for index, size in enumerate(sizes):
    if size == "null":
        producer.produce(topic, None, partition=0, callback=delivered)
        print("null")
    else:
        block = hashlib.sha256(f"{topic} {index}".encode()).hexdigest()
        value = (block * (int(size) // len(block) + 1))[: int(size)].encode()
        producer.produce(topic, value, partition=0, callback=delivered)
        print(size, hashlib.md5(value).hexdigest())
    producer.flush(120)
if failed:
    sys.exit(f"{len(failed)} not delivered: {failed[0]}")
