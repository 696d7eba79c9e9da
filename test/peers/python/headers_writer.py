"""Writes one message with headers that have no value, by librdkafka. Arguments: bootstrap topic."""
import sys

from confluent_kafka import Producer

producer = Producer({"bootstrap.servers": sys.argv[1]})
headers = [("nothing", None), ("twice", b"a"), ("twice", None)]
producer.produce(sys.argv[2], b"x", key=b"k", partition=0, headers=headers)
sys.exit(producer.flush(60))
