// The one table of causes that pause a Routine Load, since a person has to do something, and that may be over without
// anybody touching the job: it then resumes by itself. What is of kind `retry` never pauses, and bugs are tried again.
import type { ErrorCode } from '../../base/errors.ts';

/** Error -> when it is over. */
export const HEALING_CAUSES: Readonly<Partial<Record<ErrorCode, string>>> = {
  KAFKA_AUTHENTICATION: 'the login is made, or its password is the old one again',
  KAFKA_AUTHORIZATION: 'the right on the topic or the cluster is granted',
  KAFKA_TLS: 'a certificate is renewed, or its authority is known',
  KAFKA_NOT_A_BROKER: 'a broker listens there again, as configured',
  KAFKA_TOKEN_REFUSED: 'the identity provider takes the client',
  KAFKA_UNSUPPORTED_BROKER: 'the brokers run a version that serves it',
  KAFKA_REQUEST_REFUSED: 'the brokers take the request',
  KAFKA_UNKNOWN_TOPIC: 'the topic is there',
  KAFKA_UNKNOWN_PARTITION: 'the topic has the partition',
  DEAD_LETTER_REFUSED: 'the dead-letter topic takes messages',
  REGISTRY_REFUSED: 'the schema registry takes the key',
  SMALL_FILE_MISSING: 'CREATE FILE makes the file',
  NOT_AUTHORIZED: "the job's account has INSERT on the table",
  STORAGE_ACCESS: 'the volume can be written',
  VOLUME_DISABLED: 'the volume is enabled',
  REJECTED_STORE_FULL: 'older rejected rows went, or rejected_records_max_bytes is larger',
  DISK_FULL: 'the disk has room',
  ENGINE_OUT_OF_MEMORY: 'other work left memory free',
};
