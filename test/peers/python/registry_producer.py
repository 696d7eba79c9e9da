# Produces with Confluent's own serializers and schema registry client. Usage: registry_producer.py BOOTSTRAP
# REGISTRY_URL KIND TOPIC FIRST COUNT; KIND is avro1, avro2 (the schema after a change), avro_ref or protobuf.
import datetime, decimal, os, sys, tempfile
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.serialization import MessageField, SerializationContext

bootstrap, url, kind, topic, first, count = sys.argv[1:7]
client = SchemaRegistryClient({"url": url})
context = SerializationContext(topic, MessageField.VALUE)
AVRO_FIELDS = [
    '{"name": "id", "type": "long"}',
    '{"name": "name", "type": ["null", "string"], "default": null}',
    '{"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 2}}',
    '{"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}}',
    '{"name": "tags", "type": {"type": "array", "items": "string"}}',
    '{"name": "place", "type": {"type": "record", "name": "Place", "fields": [{"name": "city", "type": "string"}]}}',
]
PROTO = """syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
message Ignored { int32 x = 1; }
message User {
  message Place { string city = 1; }
  int64 id = 1;
  optional string name = 2;
  string price = 3;
  google.protobuf.Timestamp at = 4;
  repeated string tags = 5;
  Place place = 6;
}
"""
MOMENT = datetime.datetime(2024, 2, 29, 12, 0, 0, 7, tzinfo=datetime.timezone.utc)

def row(i):
    return {"id": i, "name": None if i % 3 == 0 else "name %d" % i, "price": decimal.Decimal(i) / 100,
            "at": MOMENT + datetime.timedelta(seconds=i), "tags": ["t%d" % j for j in range(i % 3)],
            "place": {"city": "city %d" % (i % 10)}}

def avro(fields, references=()):
    from confluent_kafka.schema_registry.avro import AvroSerializer
    text = '{"type": "record", "name": "User", "fields": [%s]}' % ", ".join(fields)
    schema = Schema(text, "AVRO", list(references)) if references else text
    serialize = AvroSerializer(client, schema)
    return lambda value: serialize(value, context)

def make():
    if kind == "avro1":
        return avro(AVRO_FIELDS), row
    if kind == "avro2":
        more = AVRO_FIELDS[1:] + ['{"name": "score", "type": ["null", "double", "string"], "default": null}'] + AVRO_FIELDS[:1]
        return avro(more), lambda i: {**row(i), "score": [None, i / 2, "text"][i % 3]}
    if kind == "avro_ref":
        client.register_schema("place", Schema('{"type": "record", "name": "Place", "fields": [{"name": "city", "type": "string"}]}', "AVRO"))
        fields = AVRO_FIELDS[:5] + ['{"name": "place", "type": "Place"}']
        return avro(fields, [SchemaReference("Place", "place", 1)]), row
    from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
    import grpc_tools
    from grpc_tools import protoc
    folder = tempfile.mkdtemp()
    with open(os.path.join(folder, "user_for_test.proto"), "w") as file:
        file.write(PROTO)
    known = os.path.join(os.path.dirname(grpc_tools.__file__), "_proto")
    assert protoc.main(["", "-I" + folder, "-I" + known, "--python_out=" + folder, os.path.join(folder, "user_for_test.proto")]) == 0
    sys.path.insert(0, folder)
    import user_for_test_pb2 as made
    serialize = ProtobufSerializer(made.User, client, {"use.deprecated.format": False})
    def message(i):
        values = row(i)
        user = made.User(id=i, price=str(values["price"]), tags=values["tags"])
        if values["name"] is not None: user.name = values["name"]
        user.at.FromDatetime(values["at"])
        user.place.city = values["place"]["city"]
        return user
    return (lambda value: serialize(value, context)), message

serialize, value_of = make()
producer = Producer({"bootstrap.servers": bootstrap})
for i in range(int(first), int(first) + int(count)):
    while True:
        try:
            producer.produce(topic, serialize(value_of(i)), str(i))
            break
        except BufferError:
            producer.poll(0.1)
assert producer.flush(60) == 0
print("ok %d" % int(count))
