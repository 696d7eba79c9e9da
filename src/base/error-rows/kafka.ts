// Errors of the Kafka protocol, client and broker.
import { type ErrorRow, row } from './row.ts';

export const KAFKA_ERRORS = {
  // -- kafka protocol and embedded broker
  KAFKA_MALFORMED: row(
    'retry',
    'malformed Kafka message: {detail}',
    'is the other side really a Kafka broker or client, and is TLS on or off on both sides?',
  ),
  // -- kafka client and record batches, compression
  COMPRESSED_DATA_CORRUPT: row('user', '{codec} data does not expand: {detail}'),
  KAFKA_UNREACHABLE: row(
    'retry',
    'cannot reach Kafka at {brokers}: {reason}',
    'check the address, the network, security.protocol and that the broker runs',
  ),
  KAFKA_CONNECTION_LOST: row(
    'retry',
    'connection to Kafka broker {broker} was lost: {reason}',
    'where this happens at every try, check security.protocol',
  ),
  KAFKA_TIMEOUT: row('retry', 'Kafka broker {broker} did not answer {api} within {timeoutMs} ms'),
  KAFKA_TLS: row(
    'user',
    'TLS to Kafka broker {broker} failed: {reason}',
    'check security.protocol, ssl.ca.location and the client certificate',
  ),
  KAFKA_NOT_A_BROKER: row(
    'user',
    'what answers at {broker} does not speak the Kafka protocol as configured: {reason}',
    'check the port and security.protocol (PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL)',
  ),
  KAFKA_ANSWER_TOO_LARGE: row(
    'user',
    'Kafka broker {broker} answers with {bytes} bytes, more than receive.message.max.bytes ({limit})',
    'raise property.receive.message.max.bytes: a message is never divided',
  ),
  KAFKA_AUTHENTICATION: row(
    'user',
    "Kafka broker {broker} refused user '{user}' ({mechanism}): {reason}",
    'check sasl.mechanism, sasl.username and sasl.password, or the token of sasl.oauthbearer.*',
  ),
  KAFKA_TOKEN_ENDPOINT: row(
    'retry',
    'no token from {endpoint}: {reason}',
    'check sasl.oauthbearer.token.endpoint.url, https.ca.location and the network',
  ),
  KAFKA_TOKEN_REFUSED: row(
    'user',
    "the token endpoint {endpoint} refused client '{client}': {reason}",
    'check sasl.oauthbearer.client.id, sasl.oauthbearer.client.secret and sasl.oauthbearer.scope',
  ),
  KAFKA_AUTHORIZATION: row(
    'user',
    'Kafka does not allow {operation} on {resource}',
    'grant it to the user that the job connects as',
  ),
  KAFKA_UNSUPPORTED_BROKER: row(
    'user',
    'Kafka broker {broker} serves {api} versions {brokerRange}, needed is one of {neededRange}',
    'Kafka 2.4 or newer is needed',
  ),
  KAFKA_PROPERTY_UNKNOWN: row(
    'user',
    "unknown Kafka property '{name}', nearest are: {near}",
    'docs/reference/kafka-properties.md has all names: they are those of librdkafka',
  ),
  KAFKA_PROPERTY_REFUSED: row('user', "Kafka property '{name}' is not supported: {instead}"),
  KAFKA_PROPERTY_INVALID: row('user', "Kafka property '{name}' is '{value}', expected {expected}"),
  KAFKA_PROPERTY_CONFLICT: row('user', 'Kafka properties do not fit together: {detail}'),
  KAFKA_UNKNOWN_TOPIC: row(
    'user',
    "Kafka topic '{topic}' does not exist",
    'create it, or correct the name',
  ),
  KAFKA_TOPIC_EMPTY: row(
    'user',
    "Kafka topic '{topic}' has no message that columns could be inferred from",
    'write a message first, or write CREATE TABLE by hand',
  ),
  KAFKA_NO_COLUMNS: row(
    'user',
    "no columns can be inferred from {count} messages of Kafka topic '{topic}': {reason}",
    'check format, envelope, json_root and strip_outer_array',
  ),
  KAFKA_UNKNOWN_PARTITION: row(
    'user',
    "Kafka topic '{topic}' has no partition {partition}: it has {partitionCount}",
  ),
  KAFKA_TOPIC_RECREATED: row(
    'user',
    "Kafka topic '{topic}' was deleted and created again (id {oldId}, now {newId})",
    'its offsets begin anew: set the offsets to start from, or create the job again',
  ),
  KAFKA_OFFSET_OUT_OF_RANGE: row(
    'user',
    "offset {offset} of Kafka topic '{topic}' partition {partition} is out of range: the partition holds {logStart} to {logEnd}",
    'the messages were removed by retention, or the topic was recreated; set the offsets to go on from',
  ),
  KAFKA_CORRUPT_MESSAGE: row(
    'retry',
    "Kafka topic '{topic}' partition {partition}: record batch at offset {offset} is corrupt: {detail}",
  ),
  KAFKA_MALFORMED_BATCH: row(
    'user',
    "Kafka topic '{topic}' partition {partition}: record batch at offset {offset} cannot be read: {detail}",
    'skip it by setting the offset after it',
  ),
  KAFKA_MALFORMED_HEADERS: row('user', 'the headers of a Kafka record cannot be read: {detail}'),
  KAFKA_UNSUPPORTED_FORMAT: row(
    'user',
    "Kafka topic '{topic}' partition {partition}: record batch at offset {offset} has {what}, which is not supported",
    'message format v2 (Kafka 0.11 and newer) with gzip, snappy, lz4 or zstd is',
  ),
  KAFKA_LEADER_CHANGED: row(
    'retry',
    "Kafka topic '{topic}' partition {partition} changes its leader: {reason}",
  ),
  KAFKA_BROKER_BUSY: row('retry', 'Kafka broker {broker} answered {api} with {error}'),
  KAFKA_MESSAGE_TOO_LARGE: row(
    'user',
    "a message is larger than topic '{topic}' takes (max.message.bytes)",
    'raise max.message.bytes of the topic',
  ),
  DEAD_LETTER_REFUSED: row(
    'user',
    "rejected messages could not be sent to the dead-letter topic '{topic}': {detail}",
    'mend the topic or the right to write to it; or ALTER ROUTINE LOAD ... FROM KAFKA ("dead_letter_topic" = "") and RESUME',
  ),
  DEAD_LETTER_UNAVAILABLE: row(
    'retry',
    "rejected messages could not be sent to the dead-letter topic '{topic}' for a while: {detail}",
  ),
  KAFKA_REQUEST_REFUSED: row('user', 'Kafka broker {broker} refused {api}: {error}'),
} as const satisfies Record<string, ErrorRow>;
