"""Produces {"id": N, "name": "user-N"} for N in FIRST .. FIRST+COUNT-1 with librdkafka's idempotent producer.

Arguments: bootstrap topic first count [rate] [codec]. Goes on through broker restarts; ends with an error
when any message could not be delivered.
"""
import sys
import time

from confluent_kafka import Producer

bootstrap, topic, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
rate = float(sys.argv[5]) if len(sys.argv) > 5 else 0
codec = sys.argv[6] if len(sys.argv) > 6 else "none"
producer = Producer(
    {
        "bootstrap.servers": bootstrap,
        "enable.idempotence": True,
        "compression.type": codec,
        "linger.ms": 20,
        "reconnect.backoff.max.ms": 500,
        "message.timeout.ms": 120000,
    }
)
failed = []
started = time.monotonic()


def delivered(error, _message):
    if error is not None:
        failed.append(str(error))


for n in range(first, first + count):
    while True:
        try:
            producer.produce(topic, f'{{"id": {n}, "name": "user-{n}"}}'.encode(), callback=delivered)
            break
        except BufferError:
            producer.poll(0.1)
    if n % 100 == 0:
        producer.poll(0)
        if rate:
            ahead = (n - first) / rate - (time.monotonic() - started)
            if ahead > 0:
                time.sleep(ahead)
producer.flush(120)
if failed:
    sys.exit(f"{len(failed)} not delivered: {failed[0]}")
print("produced", count)
