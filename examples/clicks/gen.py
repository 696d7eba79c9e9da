#!/usr/bin/env python3
"""Publishes click events to a Kafka topic, one JSON object a message, and prints each of them.

    pip install kafka-python
    python gen.py 5
    python gen.py 1000 --bootstrap localhost:9092 --topic test2

The broker's address is --bootstrap, else the environment's KAFKA_BOOTSTRAP, else localhost:9092.
"""
import argparse
import os
import random
import time

from kafka import KafkaProducer

PAGES = [
    "https://www.starrocks.io/",
    "https://www.starrocks.io/blog",
    "https://www.starrocks.io/product/community",
    "https://docs.starrocks.io/",
]


def click(now):
    """One event: who, where, and when within the last hour."""
    uid = random.randrange(10_000)
    site = random.choice(PAGES)
    vtime = now - random.randrange(3600)
    return f'{{ "uid": {uid}, "site": "{site}", "vtime": {vtime} }} '.encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int, nargs="?", default=10, help="messages to publish")
    parser.add_argument("--bootstrap", default=os.environ.get("KAFKA_BOOTSTRAP", "localhost:9092"))
    parser.add_argument("--topic", default="test2")
    options = parser.parse_args()

    producer = KafkaProducer(bootstrap_servers=options.bootstrap, acks="all")
    sent = []
    for _ in range(options.count):
        message = click(int(time.time()))
        sent.append(producer.send(options.topic, message))
        print(message)
    producer.flush()
    for future in sent:
        future.get(timeout=30)  # raises what went wrong
    producer.close()


if __name__ == "__main__":
    main()
