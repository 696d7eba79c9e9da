// The Kafka properties a user may set (librdkafka's names, without `property.`): the one table of those that
// have an effect, from which validation, settings and the reference docs come; names without effect and
// refused ones are in unmapped-properties.ts. Must not read files or open anything.
// SOURCE: librdkafka CONFIGURATION.md; StarRocks docs, CREATE ROUTINE LOAD, "property.*".
import { fail } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import type { Isolation } from '../protocol/record-batch.ts';
import { flag, integer, oneOf, type PropertySpec, text } from './property-spec.ts';
import { ACCEPTED_KAFKA_PROPERTIES, REFUSED_KAFKA_PROPERTIES } from './unmapped-properties.ts';

/** `FILE:name` as the value of a file property: a file made by CREATE FILE, not a path. */
export const FILE_PREFIX = 'FILE:';

const MIB = 1024 * 1024;
const INT32_MAX = 2_147_483_647;
const NO_GSSAPI =
  'Kerberos is not: use SCRAM-SHA-512, PLAIN over TLS or OAUTHBEARER, or mutual TLS';
const OR_FILE = 'a path on the machine of the server, or FILE:name of CREATE FILE';

/** Every property that has an effect. Where librdkafka takes a value that would do no good here, it counts as the nearest one that does. */
export const KAFKA_PROPERTIES = {
  'security.protocol': oneOf(
    'How to talk to the brokers: plain or TLS, with or without SASL.',
    ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'],
    'PLAINTEXT',
  ),
  'sasl.mechanism': oneOf(
    'SASL mechanism; needed with SASL_PLAINTEXT and SASL_SSL.',
    ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'],
    null,
    {
      aliases: ['sasl.mechanisms'],
      unsupported: {
        GSSAPI: NO_GSSAPI,
        AWS_MSK_IAM: 'use SCRAM-SHA-512, which MSK offers, or mutual TLS',
      },
    },
  ),
  'sasl.username': text('User name for SASL.'),
  'sasl.password': text('Password for SASL.', { secret: true }),
  'sasl.oauthbearer.method': oneOf(
    'Where OAUTHBEARER tokens come from: an identity provider (oidc), or unsecured ones made here (default).',
    ['default', 'oidc'],
    'default',
  ),
  'sasl.oauthbearer.token.endpoint.url': text('oidc: URL of the token endpoint, http or https.'),
  'sasl.oauthbearer.client.id': text('oidc: id of the client.', {
    aliases: ['sasl.oauthbearer.client.credentials.client.id'],
  }),
  'sasl.oauthbearer.client.secret': text('oidc: secret of the client.', {
    aliases: ['sasl.oauthbearer.client.credentials.client.secret'],
    secret: true,
  }),
  'sasl.oauthbearer.scope': text('oidc: scope to ask for.'),
  'sasl.oauthbearer.extensions': text(
    'oidc: what to tell the broker besides, `key=value,key=value`.',
  ),
  'sasl.oauthbearer.grant.type': oneOf(
    'oidc: how the token is asked for.',
    ['client_credentials'],
    'client_credentials',
    {
      unsupported: {
        'URN:IETF:PARAMS:OAUTH:GRANT-TYPE:JWT-BEARER': 'use client_credentials',
      },
    },
  ),
  'sasl.oauthbearer.metadata.authentication.type': oneOf(
    'oidc: whether a service of the cloud gives the token.',
    ['none'],
    'none',
    { unsupported: { AZURE_IMDS: 'use client_credentials of an application' } },
  ),
  'enable.sasl.oauthbearer.unsecure.jwt': flag(
    'Allows unsecured tokens, for development (method default).',
    false,
  ),
  'sasl.oauthbearer.config': text(
    'Unsecured tokens: `principal=name [principalClaimName=sub] [scope=a,b] [scopeClaimName=scope] [lifeSeconds=3600] [extension_name=value]`.',
  ),
  'https.ca.location': text(`CA certificates (PEM) to trust at the token endpoint: ${OR_FILE}.`),
  'https.ca.pem': text('The same certificates themselves (PEM).'),
  'ssl.ca.location': text(
    `CA certificates (PEM) to trust instead of the usual ones: ${OR_FILE}. \`probe\` means the usual ones.`,
  ),
  'ssl.ca.pem': text('The CA certificates themselves (PEM).'),
  'ssl.certificate.location': text(
    `The client's certificate chain (PEM), for mutual TLS: ${OR_FILE}.`,
  ),
  'ssl.certificate.pem': text("The client's certificate chain itself (PEM)."),
  'ssl.key.location': text(`The client's private key (PEM): ${OR_FILE}.`),
  'ssl.key.pem': text("The client's private key itself (PEM).", { secret: true }),
  'ssl.key.password': text('Pass phrase of the private key.', { secret: true }),
  'ssl.keystore.location': text(
    `Certificate chain and private key in one PKCS#12 file, instead of the two: ${OR_FILE}.`,
  ),
  'ssl.keystore.password': text('Pass phrase of the PKCS#12 file.', { secret: true }),
  'ssl.crl.location': text(`Certificates that were revoked (PEM): ${OR_FILE}.`),
  'ssl.cipher.suites': text("Ciphers to offer, as OpenSSL's cipher list."),
  'ssl.curves.list': text("Curves to offer, as OpenSSL's list."),
  'ssl.sigalgs.list': text("Signature algorithms to offer, as OpenSSL's list."),
  'ssl.endpoint.identification.algorithm': oneOf(
    "Whether the broker's certificate must carry its host name.",
    ['https', 'none'],
    'https',
  ),
  'enable.ssl.certificate.verification': flag(
    "Whether the broker's certificate is verified at all.",
    true,
  ),
  'isolation.level': oneOf(
    'Whether messages of open and aborted transactions are left out (read_committed).',
    ['read_committed', 'read_uncommitted'] satisfies readonly Isolation[],
    'read_committed',
  ),
  'client.id': text(
    'Name of the client in the logs and quotas of the brokers; millrace when absent.',
  ),
  'client.rack': text(
    'Rack of the client: where the brokers allow it (replica.selector.class), a follower in the same rack is read from.',
  ),
  'group.id': text('Shown for the job; offsets are kept by Millrace, not by the group.'),
  'enable.auto.commit': flag(
    "Whether the job's positions are copied to the offsets of its group, for Kafka's own tools. Millrace never reads them.",
    false,
    { aliases: ['auto.commit.enable'] },
  ),
  'auto.commit.interval.ms': integer(
    'Time between two such copies.',
    { min: 0, max: 86_400_000, least: 5_000 },
    5_000,
  ),
  'fetch.min.bytes': integer(
    'Bytes that a broker gathers before it answers a Fetch, or waits for as long as it may.',
    { min: 1, max: 100_000_000, most: 8 * MIB },
    1,
  ),
  'fetch.wait.max.ms': integer(
    'Longest that a broker waits for fetch.min.bytes.',
    { min: 0, max: 300_000, most: 1000 },
    1000,
  ),
  'fetch.max.bytes': integer(
    'Most bytes of one answer to a Fetch, but for a record batch that is larger.',
    { min: 0, max: 2_147_483_135, least: 1024, most: 64 * MIB },
    8 * MIB,
  ),
  'fetch.message.max.bytes': integer(
    'Most bytes of one partition in it; an equal share of fetch.max.bytes, at least 1 MiB, when absent.',
    { min: 1, max: 1_000_000_000, least: 1024, most: 64 * MIB },
    null,
    { aliases: ['max.partition.fetch.bytes'] },
  ),
  'fetch.error.backoff.ms': integer(
    'First wait after a Fetch that failed; doubles with each failure, up to retry.backoff.max.ms.',
    { min: 0, max: 300_000, most: 10_000 },
    50,
  ),
  'retry.backoff.ms': integer(
    'First wait before a question to the cluster (offsets, topics) is asked again; doubles with each failure.',
    { min: 1, max: 300_000, most: 10_000 },
    100,
  ),
  'retry.backoff.max.ms': integer(
    'Longest such wait.',
    { min: 1, max: 300_000, most: 10_000 },
    2_000,
  ),
  'socket.timeout.ms': integer(
    'Time a broker may be silent before a request is given up (on top of the wait of a Fetch).',
    { min: 10, max: 300_000 },
    30_000,
  ),
  'socket.connection.setup.timeout.ms': integer(
    'Time to connect, with the TLS handshake and authentication.',
    { min: 1000, max: INT32_MAX, most: 300_000 },
    10_000,
  ),
  'socket.keepalive.enable': flag('Whether TCP probes an idle connection.', false),
  'socket.nagle.disable': flag('Whether small requests are sent at once (TCP_NODELAY).', true),
  'broker.address.family': oneOf(
    'Which addresses of a broker are used.',
    ['any', 'v4', 'v6'],
    'any',
  ),
  'reconnect.backoff.ms': integer(
    'First wait before connecting again to a broker that failed; doubles with each failure.',
    { min: 0, max: 3_600_000 },
    100,
  ),
  'reconnect.backoff.max.ms': integer('Longest such wait.', { min: 0, max: 3_600_000 }, 10_000),
  'metadata.max.age.ms': integer(
    'Age after which partitions and leaders are asked again.',
    { min: 1, max: 86_400_000, least: 10 },
    30_000,
  ),
  'topic.metadata.refresh.interval.ms': integer(
    'The same, in its older name: the smaller of the two counts, -1 means that this one does not.',
    { min: -1, max: 3_600_000 },
    null,
  ),
  'receive.message.max.bytes': integer(
    'Largest answer that is taken from a broker, in bytes.',
    { min: 1000, max: INT32_MAX, least: 1_000_000, most: 1_000_000_000 },
    100_000_000,
  ),
} as const satisfies Record<string, PropertySpec<unknown>>;

export type KafkaPropertyName = keyof typeof KAFKA_PROPERTIES;

/** All properties with their values, defaults filled in. */
export type KafkaSettings = {
  readonly [Name in KafkaPropertyName]: (typeof KAFKA_PROPERTIES)[Name] extends PropertySpec<
    infer T
  >
    ? T
    : never;
};

/** Every accepted name, aliases included, for messages and docs. */
export const KAFKA_PROPERTY_NAMES: readonly string[] = Object.entries<PropertySpec<unknown>>(
  KAFKA_PROPERTIES,
)
  .flatMap(([name, row]) => [name, ...row.aliases])
  .toSorted();

/**
 * Checks a user's properties and fills in the defaults; names without effect are passed over. Throws
 * KAFKA_PROPERTY_UNKNOWN, KAFKA_PROPERTY_REFUSED, KAFKA_PROPERTY_INVALID, KAFKA_PROPERTY_CONFLICT, NOT_SUPPORTED (user).
 */
export function parseKafkaProperties(properties: Readonly<Record<string, string>>): KafkaSettings {
  const settings: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(KAFKA_PROPERTIES)) settings[name] = row.default;
  const given = new Map<string, string>();
  for (const [key, value] of Object.entries(properties)) {
    const name = canonicalName(key);
    if (name === null) continue;
    const before = given.get(name);
    if (before !== undefined && before !== value)
      throw fail('KAFKA_PROPERTY_CONFLICT', { detail: `'${name}' is given twice` });
    given.set(name, value);
    settings[name] = parseOne(name, value);
  }
  // Every name of the table was filled in above, each by its own row's parser or default.
  const complete = settings as KafkaSettings;
  checkTogether(complete, given);
  return complete;
}

/** The row of a name or alias; null for a name without effect. Throws KAFKA_PROPERTY_UNKNOWN, KAFKA_PROPERTY_REFUSED. */
function canonicalName(key: string): KafkaPropertyName | null {
  for (const [name, row] of Object.entries<PropertySpec<unknown>>(KAFKA_PROPERTIES))
    if (name === key || row.aliases.includes(key)) return name as KafkaPropertyName;
  if (Object.hasOwn(ACCEPTED_KAFKA_PROPERTIES, key)) return null;
  const instead = Object.hasOwn(REFUSED_KAFKA_PROPERTIES, key)
    ? REFUSED_KAFKA_PROPERTIES[key]
    : undefined;
  if (instead !== undefined) throw fail('KAFKA_PROPERTY_REFUSED', { name: key, instead });
  const near = nearest(
    key,
    [...KAFKA_PROPERTY_NAMES, ...Object.keys(ACCEPTED_KAFKA_PROPERTIES)],
    3,
  );
  throw fail('KAFKA_PROPERTY_UNKNOWN', { name: key, near: near.join(', ') });
}

/**
 * What a user should know of properties that parseKafkaProperties takes: those that have no effect, and values
 * that have less than they say. In the order given, one line each. Throws what it throws.
 */
export function kafkaPropertyRemarks(
  properties: Readonly<Record<string, string>>,
): readonly string[] {
  return Object.entries(properties).flatMap(([key, value]) => {
    const name = canonicalName(key);
    if (name === null)
      return [`Kafka property '${key}' has no effect: ${ACCEPTED_KAFKA_PROPERTIES[key] ?? ''}`];
    const remark = KAFKA_PROPERTIES[name].remark(value);
    return remark === null ? [] : [`Kafka property '${key}' is '${value}': it ${remark}`];
  });
}

function parseOne(name: KafkaPropertyName, value: string): unknown {
  const row: PropertySpec<unknown> = KAFKA_PROPERTIES[name];
  const parsed = row.parse(value);
  if (parsed === undefined)
    throw fail('KAFKA_PROPERTY_INVALID', {
      name,
      value: row.secret ? '******' : value,
      expected: row.expected,
    });
  return parsed;
}

/** Refuses settings that would silently do less than they say. */
function checkTogether(settings: KafkaSettings, given: ReadonlyMap<string, string>): void {
  const protocol = settings['security.protocol'];
  const conflict = (detail: string): Error => fail('KAFKA_PROPERTY_CONFLICT', { detail });
  const first = (prefix: string): string | undefined =>
    [...given.keys()].find((name) => name.startsWith(prefix));
  if (protocol.startsWith('SASL')) {
    const isToken = settings['sasl.mechanism'] === 'OAUTHBEARER';
    const needed = isToken ? [] : (['sasl.mechanism', 'sasl.username', 'sasl.password'] as const);
    for (const name of needed)
      if (settings[name] === null) throw conflict(`security.protocol ${protocol} needs ${name}`);
    const name = isToken ? undefined : first('sasl.oauthbearer.');
    if (name !== undefined) throw conflict(`${name} needs sasl.mechanism OAUTHBEARER`);
  } else {
    const name = first('sasl.');
    if (name !== undefined)
      throw conflict(`${name} needs security.protocol SASL_PLAINTEXT or SASL_SSL, not ${protocol}`);
  }
  if (!protocol.endsWith('SSL')) {
    const name = first('ssl.');
    if (name !== undefined)
      throw conflict(`${name} needs security.protocol SSL or SASL_SSL, not ${protocol}`);
  }
  checkFiles(settings, conflict);
}

function checkFiles(settings: KafkaSettings, conflict: (detail: string) => Error): void {
  if (settings['https.ca.location'] !== null && settings['https.ca.pem'] !== null)
    throw conflict('https.ca.location and https.ca.pem exclude each other');
  for (const part of ['ca', 'certificate', 'key'] as const)
    if (settings[`ssl.${part}.location`] !== null && settings[`ssl.${part}.pem`] !== null)
      throw conflict(`ssl.${part}.location and ssl.${part}.pem exclude each other`);
  const hasCertificate =
    settings['ssl.certificate.location'] !== null || settings['ssl.certificate.pem'] !== null;
  const hasKey = settings['ssl.key.location'] !== null || settings['ssl.key.pem'] !== null;
  if (hasCertificate !== hasKey)
    throw conflict('a client certificate and its private key go together');
  const hasStore = settings['ssl.keystore.location'] !== null;
  if (hasStore && hasKey)
    throw conflict('ssl.keystore.location takes the place of ssl.certificate.* and ssl.key.*');
  if (!hasStore && settings['ssl.keystore.password'] !== null)
    throw conflict('ssl.keystore.password needs ssl.keystore.location');
  if (!hasKey && settings['ssl.key.password'] !== null)
    throw conflict('ssl.key.password needs ssl.key.location or ssl.key.pem');
}

/** Age after which topics are asked again, of the two properties that say so. */
export function metadataAgeMs(settings: KafkaSettings): number {
  const intervalMs = settings['topic.metadata.refresh.interval.ms'];
  const ageMs = settings['metadata.max.age.ms'];
  return intervalMs === null || intervalMs < 0 ? ageMs : Math.max(10, Math.min(ageMs, intervalMs));
}
