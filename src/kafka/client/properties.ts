// The Kafka properties a user may set (librdkafka's names, without `property.`): one table that
// validation, settings and the reference docs come from. Must not read files or open anything.
// SOURCE: librdkafka CONFIGURATION.md; StarRocks docs, CREATE ROUTINE LOAD, "property.*".
import { fail } from '../../base/errors.ts';
import type { Isolation } from '../protocol/record-batch.ts';

export interface PropertySpec<T> {
  readonly meaning: string;
  /** What a value must be, for messages and docs. */
  readonly expected: string;
  /** null = none. */
  readonly default: T;
  /** Other names of the same property. */
  readonly aliases: readonly string[];
  /** Never shown again. */
  readonly secret: boolean;
  /** undefined = not valid. May throw NOT_SUPPORTED for a value that Kafka knows and Millrace does not. */
  readonly parse: (text: string) => T | undefined;
}

type Extra = { readonly aliases?: readonly string[]; readonly secret?: boolean };

function spec<T>(
  meaning: string,
  expected: string,
  fallback: T,
  parse: (text: string) => T | undefined,
  extra: Extra = {},
): PropertySpec<T> {
  const { aliases = [], secret = false } = extra;
  return { meaning, expected, default: fallback, aliases, secret, parse };
}

function oneOf<const V extends string, F extends V | null>(
  meaning: string,
  values: readonly V[],
  fallback: F,
  extra: Extra & { readonly unsupported?: readonly string[] } = {},
): PropertySpec<V | F> {
  const parse = (text: string): V | undefined => {
    const wanted = text.trim().toUpperCase();
    const found = values.find((value) => value.toUpperCase() === wanted);
    if (found === undefined && extra.unsupported?.includes(wanted) === true)
      throw fail('NOT_SUPPORTED', { what: wanted, hint: `supported are ${values.join(', ')}` });
    return found;
  };
  return spec<V | F>(meaning, `one of ${values.join(', ')}`, fallback, parse, extra);
}

const text = (meaning: string, extra: Extra = {}): PropertySpec<string | null> =>
  spec<string | null>(
    meaning,
    'a text',
    null,
    (value) => (value === '' ? undefined : value),
    extra,
  );

function integer(
  meaning: string,
  min: number,
  max: number,
  fallback: number,
  extra: Extra = {},
): PropertySpec<number> {
  const parse = (value: string): number | undefined => {
    const parsed = /^\d{1,10}$/.test(value.trim()) ? Number(value) : Number.NaN;
    return parsed >= min && parsed <= max ? parsed : undefined;
  };
  return spec(meaning, `an integer from ${min} to ${max}`, fallback, parse, extra);
}

const flag = (meaning: string, fallback: boolean): PropertySpec<boolean> =>
  spec(meaning, 'true or false', fallback, (value) => {
    const wanted = value.trim().toLowerCase();
    return wanted === 'true' ? true : wanted === 'false' ? false : undefined;
  });

export const KAFKA_PROPERTIES = {
  'security.protocol': oneOf(
    'How to talk to the brokers: plain or TLS, with or without SASL.',
    ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'],
    'PLAINTEXT',
  ),
  'sasl.mechanism': oneOf(
    'SASL mechanism; needed with SASL_PLAINTEXT and SASL_SSL.',
    ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
    null,
    { aliases: ['sasl.mechanisms'], unsupported: ['OAUTHBEARER', 'GSSAPI', 'AWS_MSK_IAM'] },
  ),
  'sasl.username': text('User name for SASL.'),
  'sasl.password': text('Password for SASL.', { secret: true }),
  'ssl.ca.location': text("File with the CA certificates (PEM) to trust instead of the system's."),
  'ssl.ca.pem': text('The CA certificates themselves (PEM).'),
  'ssl.certificate.location': text(
    "File with the client's certificate chain (PEM), for mutual TLS.",
  ),
  'ssl.certificate.pem': text("The client's certificate chain itself (PEM)."),
  'ssl.key.location': text("File with the client's private key (PEM)."),
  'ssl.key.pem': text("The client's private key itself (PEM).", { secret: true }),
  'ssl.key.password': text('Pass phrase of the private key.', { secret: true }),
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
  'client.id': text('Name of the client in the logs and quotas of the brokers.'),
  'group.id': text('Shown for the job; offsets are kept by Millrace, not by the group.'),
  'socket.timeout.ms': integer(
    'Time a broker has to answer a request (on top of the wait of a Fetch).',
    10,
    300_000,
    30_000,
  ),
  'socket.connection.setup.timeout.ms': integer(
    'Time to connect, with the TLS handshake and authentication.',
    100,
    300_000,
    10_000,
  ),
  'reconnect.backoff.ms': integer(
    'First wait before connecting again to a broker that failed; doubles with each failure.',
    0,
    3_600_000,
    100,
  ),
  'reconnect.backoff.max.ms': integer('Longest such wait.', 0, 3_600_000, 10_000),
  'metadata.max.age.ms': integer(
    'Age after which partitions and leaders are asked again.',
    10,
    86_400_000,
    30_000,
    { aliases: ['topic.metadata.refresh.interval.ms'] },
  ),
  'receive.message.max.bytes': integer(
    'Largest answer that is taken from a broker, in bytes.',
    1_000_000,
    1_000_000_000,
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
 * Checks a user's properties and fills in the defaults.
 * Throws KAFKA_PROPERTY_UNKNOWN, KAFKA_PROPERTY_INVALID, KAFKA_PROPERTY_CONFLICT, NOT_SUPPORTED (user).
 */
export function parseKafkaProperties(properties: Readonly<Record<string, string>>): KafkaSettings {
  const settings: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(KAFKA_PROPERTIES)) settings[name] = row.default;
  const given = new Map<string, string>();
  for (const [key, value] of Object.entries(properties)) {
    const name = canonicalName(key);
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

function canonicalName(key: string): KafkaPropertyName {
  for (const [name, row] of Object.entries<PropertySpec<unknown>>(KAFKA_PROPERTIES))
    if (name === key || row.aliases.includes(key)) return name as KafkaPropertyName;
  throw fail('KAFKA_PROPERTY_UNKNOWN', { name: key, known: KAFKA_PROPERTY_NAMES.join(', ') });
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
    for (const name of ['sasl.mechanism', 'sasl.username', 'sasl.password'] as const)
      if (settings[name] === null) throw conflict(`security.protocol ${protocol} needs ${name}`);
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
  for (const part of ['ca', 'certificate', 'key'] as const)
    if (settings[`ssl.${part}.location`] !== null && settings[`ssl.${part}.pem`] !== null)
      throw conflict(`ssl.${part}.location and ssl.${part}.pem exclude each other`);
  const hasCertificate =
    settings['ssl.certificate.location'] !== null || settings['ssl.certificate.pem'] !== null;
  const hasKey = settings['ssl.key.location'] !== null || settings['ssl.key.pem'] !== null;
  if (hasCertificate !== hasKey)
    throw conflict('a client certificate and its private key go together');
}
