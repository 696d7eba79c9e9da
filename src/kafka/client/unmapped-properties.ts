// The rest of librdkafka's names: accepted without effect, with a warning that says why, or refused with what
// to do instead. With KAFKA_PROPERTIES (properties.ts) they are all names of its CONFIGURATION.md; some of
// the Java client's that users bring along are told, too.
// SOURCE: librdkafka CONFIGURATION.md (master of July 2026), Apache Kafka's consumer configuration.

const rows = (
  reason: string,
  ...names: readonly string[]
): readonly (readonly [name: string, reason: string])[] =>
  names.map((name) => [name, reason] as const);

const NO_GROUP = 'Millrace joins no consumer group: it assigns partitions to its tasks itself';
const OWN_OFFSETS =
  'offsets are kept with the rows in the metadata, property.enable.auto.commit copies them; SHOW ROUTINE LOAD has positions and lag';
const OWN_QUEUE = 'what is read ahead is bounded by the loader itself, over all jobs';
const PRODUCER = 'it is of producers, and a job only reads';
const OWN_LOG = "Millrace has its own log and metrics; a job's state is in SHOW ROUTINE LOAD";
const BY_SYSTEM = 'the operating system decides that';
const NO_LONGER = 'librdkafka itself no longer uses it';
const OLD_BROKERS = 'versions are always negotiated with the broker; Kafka 2.4 or newer is needed';

/** Name -> why it has no effect. */
export const ACCEPTED_KAFKA_PROPERTIES: Readonly<Record<string, string>> = Object.fromEntries([
  ...rows(
    NO_GROUP,
    'group.instance.id',
    'partition.assignment.strategy',
    'session.timeout.ms',
    'heartbeat.interval.ms',
    'group.protocol.type',
    'group.protocol',
    'group.remote.assignor',
    'coordinator.query.interval.ms',
    'max.poll.interval.ms',
  ),
  ...rows(
    OWN_OFFSETS,
    'enable.auto.offset.store',
    'offset.store.method',
    'offset.store.path',
    'offset.store.sync.interval.ms',
  ),
  ...rows(
    'a job begins where kafka_offsets or property.kafka_default_offsets say, and pauses when its position is gone',
    'auto.offset.reset',
  ),
  ...rows(
    OWN_QUEUE,
    'queued.min.messages',
    'queued.max.messages.kbytes',
    'fetch.queue.backoff.ms',
    'consume.callback.max.messages',
    'message.copy.max.bytes',
  ),
  ...rows('the checksum of every batch is checked', 'check.crcs'),
  ...rows('the end of a partition is always seen', 'enable.partition.eof'),
  ...rows(
    PRODUCER,
    'message.max.bytes',
    'transactional.id',
    'transaction.timeout.ms',
    'enable.idempotence',
    'enable.gapless.guarantee',
    'queue.buffering.max.messages',
    'queue.buffering.max.kbytes',
    'queue.buffering.max.ms',
    'linger.ms',
    'message.send.max.retries',
    'retries',
    'queue.buffering.backpressure.threshold',
    'compression.codec',
    'compression.type',
    'compression.level',
    'batch.num.messages',
    'batch.size',
    'delivery.report.only.error',
    'sticky.partitioning.linger.ms',
    'request.required.acks',
    'acks',
    'request.timeout.ms',
    'message.timeout.ms',
    'delivery.timeout.ms',
    'queuing.strategy',
    'produce.offset.report',
    'partitioner',
  ),
  ...rows(
    OWN_LOG,
    'debug',
    'statistics.interval.ms',
    'enabled_events',
    'log_level',
    'log.queue',
    'log.thread.name',
    'log.connection.close',
    'enable.metrics.push',
  ),
  ...rows(
    BY_SYSTEM,
    'socket.send.buffer.bytes',
    'socket.receive.buffer.bytes',
    'broker.address.ttl',
  ),
  ...rows('all addresses of a host name are tried', 'client.dns.lookup'),
  ...rows(
    'a connection that did not answer in time is always closed and made anew',
    'socket.max.fails',
  ),
  ...rows(
    'a task keeps its connections in use; without a task there is none',
    'connections.max.idle.ms',
  ),
  ...rows(
    'a connection has one Fetch under way, or a few short requests',
    'max.in.flight.requests.per.connection',
    'max.in.flight',
  ),
  ...rows(
    'the given brokers are asked whenever no known one answers',
    'metadata.recovery.strategy',
    'metadata.recovery.rebootstrap.trigger.ms',
  ),
  ...rows(
    'leaders are asked for at once when one has moved',
    'topic.metadata.refresh.fast.interval.ms',
    'topic.metadata.refresh.fast.cnt',
  ),
  ...rows(
    "only the job's own topic is asked for",
    'topic.metadata.refresh.sparse',
    'topic.blacklist',
  ),
  ...rows(
    'a topic must exist when the job is made',
    'topic.metadata.propagation.max.ms',
    'allow.auto.create.topics',
  ),
  ...rows('it is of share groups', 'share.acknowledgement.mode'),
  ...rows(NO_LONGER, 'socket.blocking.max.ms', 'reconnect.backoff.jitter.ms'),
  ...rows(
    OLD_BROKERS,
    'api.version.request',
    'api.version.request.timeout.ms',
    'api.version.fallback.ms',
    'broker.version.fallback',
  ),
  ...rows(
    'it is of librdkafka itself, which is not used',
    'builtin.features',
    'enable.random.seed',
    'internal.termination.signal',
  ),
  ...rows('it is of Windows', 'ssl.ca.certificate.stores'),
]);

const NO_TEXT = 'it is set by a program, not by a text';
const NO_KERBEROS =
  'Kerberos (GSSAPI) is not supported: use sasl.mechanism SCRAM-SHA-512, PLAIN over TLS or OAUTHBEARER, or mutual TLS';
const NO_PLUGINS = 'code of other libraries cannot be loaded';
const NO_STORES =
  "Java's key stores are not read: convert to PEM for ssl.ca.location, ssl.certificate.location and ssl.key.location, or to PKCS#12 for ssl.keystore.location";
const FORMAT = "what a message holds is said by the job's format property";
const USE = (name: string): string => `use property.${name}`;

/** Name -> what to do instead. */
export const REFUSED_KAFKA_PROPERTIES: Readonly<Record<string, string>> = Object.fromEntries([
  ...rows(
    NO_TEXT,
    'error_cb',
    'throttle_cb',
    'stats_cb',
    'log_cb',
    'background_event_cb',
    'socket_cb',
    'connect_cb',
    'closesocket_cb',
    'open_cb',
    'resolve_cb',
    'opaque',
    'default_topic_conf',
    'ssl.certificate.verify_cb',
    'ssl_engine_callback_data',
    'oauthbearer_token_refresh_cb',
    'consume_cb',
    'rebalance_cb',
    'offset_commit_cb',
    'dr_cb',
    'dr_msg_cb',
    'partitioner_cb',
    'msg_order_cmp',
    'interceptors',
  ),
  ...rows('use property.ssl.key.pem', 'ssl_key'),
  ...rows('use property.ssl.certificate.pem', 'ssl_certificate'),
  ...rows('use property.ssl.ca.pem', 'ssl_ca'),
  ...rows('use kafka_broker_list', 'metadata.broker.list', 'bootstrap.servers'),
  ...rows(
    NO_PLUGINS,
    'plugin.library.paths',
    'ssl.providers',
    'ssl.engine.location',
    'ssl.engine.id',
  ),
  ...rows(
    NO_KERBEROS,
    'sasl.kerberos.service.name',
    'sasl.kerberos.principal',
    'sasl.kerberos.kinit.cmd',
    'sasl.kerberos.keytab',
    'sasl.kerberos.min.time.before.relogin',
  ),
  ...rows(
    'use sasl.oauthbearer.client.secret: assertions (grant jwt-bearer) are not supported',
    'sasl.oauthbearer.assertion.algorithm',
    'sasl.oauthbearer.assertion.claim.aud',
    'sasl.oauthbearer.assertion.claim.exp.seconds',
    'sasl.oauthbearer.assertion.claim.iss',
    'sasl.oauthbearer.assertion.claim.jti.include',
    'sasl.oauthbearer.assertion.claim.nbf.seconds',
    'sasl.oauthbearer.assertion.claim.sub',
    'sasl.oauthbearer.assertion.file',
    'sasl.oauthbearer.assertion.jwt.template.file',
    'sasl.oauthbearer.assertion.private.key.file',
    'sasl.oauthbearer.assertion.private.key.passphrase',
    'sasl.oauthbearer.assertion.private.key.pem',
  ),
  ...rows(
    "the broker takes the user's name from the token by its own setting of this name",
    'sasl.oauthbearer.sub.claim.name',
  ),
  // -- of Kafka's Java clients
  ...rows(USE('sasl.username and property.sasl.password'), 'sasl.jaas.config'),
  ...rows(
    NO_STORES,
    'ssl.truststore.location',
    'ssl.truststore.password',
    'ssl.truststore.type',
    'ssl.keystore.type',
  ),
  ...rows(USE('ssl.ca.pem'), 'ssl.truststore.certificates'),
  ...rows(USE('ssl.certificate.pem'), 'ssl.keystore.certificate.chain'),
  ...rows(USE('ssl.key.pem'), 'ssl.keystore.key'),
  ...rows(USE('ssl.cipher.suites'), 'ssl.enabled.protocols', 'ssl.protocol'),
  ...rows(
    USE('sasl.oauthbearer.method'),
    'sasl.login.callback.handler.class',
    'sasl.client.callback.handler.class',
    'sasl.login.class',
  ),
  ...rows(USE('fetch.wait.max.ms'), 'fetch.max.wait.ms'),
  ...rows(USE('socket.timeout.ms'), 'default.api.timeout.ms'),
  ...rows(USE('socket.connection.setup.timeout.ms'), 'socket.connection.setup.timeout.max.ms'),
  ...rows('use desired_concurrent_number and max_batch_interval', 'max.poll.records'),
  ...rows(FORMAT, 'key.deserializer', 'value.deserializer'),
  ...rows(
    'use confluent.schema.registry.url',
    'schema.registry.url',
    'basic.auth.credentials.source',
    'basic.auth.user.info',
  ),
]);
