// Apache Kafka, the real one: jars fetched by Maven (pom.xml beside this file), run as one KRaft node on
// 127.0.0.1 with free ports, plain and, where asked for, with SASL (PLAIN, SCRAM) and TLS; and its Java console tools.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CertificateFiles, makeCertificates } from './certificates.ts';
import { JVM_OPTIONS, mavenJars, runClass } from './java.ts';
import {
  type CommandResult,
  freePort,
  run,
  runOk,
  type Server,
  startServerProcess,
} from './processes.ts';

const FOLDER = join(import.meta.dirname, 'kafka');
const START_TIMEOUT_MS = 120_000;
const SETTINGS = 'server.properties';
const CLUSTER_ID = 'bWlsbHJhY2UtdGVzdC1rYQ';

/** User of a broker with SASL; it may do everything. */
export const SASL_USER = { name: 'loader', password: 'loader-secret' } as const;
/** User that may log in with SCRAM and do nothing. */
export const STRANGER = { name: 'stranger', password: 'stranger-secret' } as const;

/** Folder with Kafka's jars. */
export function kafkaJars(): Promise<string> {
  return mavenJars(FOLDER, 'kafka');
}

export interface ToolOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** Runs a main class of Kafka's jars (`org.apache.kafka.tools.TopicCommand`), whatever its exit code. */
export async function kafkaTool(
  mainClass: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<CommandResult> {
  const jars = await kafkaJars();
  return run('java', [...JVM_OPTIONS, '-cp', `${jars}/*`, mainClass, ...args], options);
}

/** kafkaTool() that throws unless it ended with 0; what it printed. */
export async function kafkaToolOk(
  mainClass: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  const result = await kafkaTool(mainClass, args, options);
  if (result.code !== 0)
    throw new Error(`${mainClass} ended with ${result.code}\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

/** Runs one of the programs in test/peers/kafka/; what it printed. Throws unless it ended with 0. */
export async function runJava(name: string, args: readonly string[]): Promise<string> {
  return runClass(await kafkaJars(), join(FOLDER, `${name}.java`), args);
}

/** Runs TransactionalWriter.java; see its head for the steps it takes. */
export function writeTransactions(
  bootstrap: string,
  topic: string,
  steps: readonly string[],
): Promise<string> {
  return runJava('TransactionalWriter', [bootstrap, topic, ...steps]);
}

export interface KafkaOptions {
  /** Adds listeners with SASL, TLS and both, and one whose certificate has another name (default: plain only). */
  readonly secured?: boolean;
  /** Public keys (JWKS) of the tokens that SASL over TLS takes; SASL without TLS takes unsecured ones. */
  readonly tokenKeys?: string;
  /** A further listener without TLS and SASL that clients are told to reach at this port: a proxy's. */
  readonly proxyPort?: number;
  /** A second broker of that one's cluster. */
  readonly joins?: KafkaPeer;
  /** Further lines of server.properties. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** Audience of the tokens that a broker with `tokenKeys` takes. */
export const TOKEN_AUDIENCE = 'kafka';
/** Longest session of a login by token. */
export const TOKEN_SESSION_MS = 3000;
const MISNAMED = 'MISNAMED';
const PROXIED = 'PROXIED';

interface Listener {
  readonly name: string;
  readonly protocol: 'PLAINTEXT' | 'SASL_PLAINTEXT' | 'SSL' | 'SASL_SSL';
  readonly port: number;
  /** Where clients are sent to, if not to `port`. */
  readonly advertisedPort?: number;
}

export class KafkaPeer {
  readonly certificates: CertificateFiles | undefined;
  readonly controllerPort: number;
  readonly #dataDir: string;
  readonly #listeners: readonly Listener[];
  readonly #jvm: readonly string[];
  #server: Server | undefined;

  constructor(parts: {
    dataDir: string;
    listeners: readonly Listener[];
    controllerPort: number;
    certificates: CertificateFiles | undefined;
    jvm: readonly string[];
  }) {
    this.#dataDir = parts.dataDir;
    this.#listeners = parts.listeners;
    this.#jvm = parts.jvm;
    this.controllerPort = parts.controllerPort;
    this.certificates = parts.certificates;
  }

  /** `127.0.0.1:port` without TLS and SASL. */
  get bootstrap(): string {
    return this.address('PLAINTEXT');
  }

  /** `127.0.0.1:port` of another listener; only with `secured`. TLS without SASL wants a client certificate. */
  address(protocol: Listener['protocol']): string {
    const listener = this.#listeners.find((entry) => entry.protocol === protocol);
    if (listener === undefined) throw new Error(`no listener for ${protocol}`);
    return `127.0.0.1:${listener.port}`;
  }

  /** TLS without a client certificate, at an address that the broker's certificate does not have. */
  get misnamed(): string {
    const listener = this.#listeners.find(({ name }) => name === MISNAMED);
    if (listener === undefined) throw new Error('no such listener');
    return `127.0.0.1:${listener.port}`;
  }

  /** Port that the proxy of `proxyPort` forwards to. */
  get proxiedPort(): number {
    const listener = this.#listeners.find(({ name }) => name === PROXIED);
    if (listener === undefined) throw new Error('no such listener');
    return listener.port;
  }

  /** Starts it (again), with what it stored before. */
  async start(): Promise<void> {
    const jars = await kafkaJars();
    const jvm = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    const log = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn';
    this.#server = await startServerProcess(
      'java',
      [...jvm, ...this.#jvm, log, '-cp', `${jars}/*`, 'kafka.Kafka', join(this.#dataDir, SETTINGS)],
      { port: this.#listeners[0]?.port ?? 0, timeoutMs: START_TIMEOUT_MS },
    );
  }

  /** Stops it from doing anything (SIGSTOP): connections stay open and nothing answers. */
  freeze(): void {
    this.#signal('SIGSTOP');
  }

  thaw(): void {
    this.#signal('SIGCONT');
  }

  #signal(signal: NodeJS.Signals): void {
    // 0 would be the test's own process group.
    if (this.#server !== undefined && this.#server.pid > 0) process.kill(this.#server.pid, signal);
  }

  get output(): string {
    return this.#server?.output() ?? '';
  }

  /** SIGTERM: a controlled shutdown that keeps the data. */
  async shutdown(): Promise<void> {
    await this.#server?.end('SIGTERM');
    this.#server = undefined;
  }

  /** kill -9, the data stay. */
  async kill(): Promise<void> {
    await this.#server?.end('SIGKILL');
    this.#server = undefined;
  }

  /** Takes a partition's messages from the disk of a broker that is down: it begins anew when it starts, as the same topic. */
  async loseMessages(topic: string, partition: number): Promise<void> {
    await rm(join(this.#dataDir, 'logs', `${topic}-${partition}`), { recursive: true });
  }

  async restart(): Promise<void> {
    await this.shutdown();
    await this.start();
  }

  /** Gives SASL_USER another password for SCRAM-SHA-256; connections that are logged in stay so. */
  async setScramPassword(password: string): Promise<void> {
    await kafkaToolOk('kafka.admin.ConfigCommand', [
      ...['--bootstrap-server', this.bootstrap, '--entity-type', 'users'],
      ...['--entity-name', SASL_USER.name],
      ...['--alter', '--add-config', `SCRAM-SHA-256=[password=${password}]`],
    ]);
  }

  /** Ends it for good and removes its data. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}

/** A new one-node Kafka that answers, with its data in a temporary directory. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaPeer> {
  const secured = options.secured === true;
  const jars = await kafkaJars();
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-kafka-'));
  const certificates = secured ? await makeCertificates(join(dataDir, 'tls')) : undefined;
  const protocols = secured
    ? (['PLAINTEXT', 'SASL_PLAINTEXT', 'SSL', 'SASL_SSL'] as const)
    : (['PLAINTEXT'] as const);
  const listeners: Listener[] = await Promise.all(
    protocols.map(async (protocol) => ({
      name: protocol.replace('_', ''),
      protocol,
      port: await freePort(),
    })),
  );
  if (secured) listeners.push({ name: MISNAMED, protocol: 'SSL', port: await freePort() });
  if (options.proxyPort !== undefined) {
    const advertisedPort = options.proxyPort;
    listeners.push({
      name: PROXIED,
      protocol: 'PLAINTEXT',
      port: await freePort(),
      advertisedPort,
    });
  }
  const controllerPort = options.joins?.controllerPort ?? (await freePort());
  const settings = {
    ...nodeSettings(dataDir),
    ...listenerSettings(listeners, controllerPort, options.joins !== undefined),
    ...(certificates === undefined ? {} : securitySettings(certificates)),
    ...(options.tokenKeys === undefined ? {} : tokenSettings(dataDir)),
    ...options.properties,
  };
  if (options.tokenKeys !== undefined) await writeFile(tokenKeysFile(dataDir), options.tokenKeys);
  const file = join(dataDir, SETTINGS);
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(file, lines.join(''));
  const scram = [SASL_USER, STRANGER].flatMap(({ name, password }) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  );
  const format = ['format', '-t', CLUSTER_ID, '-c', file, ...(secured ? scram : [])];
  const tool = 'kafka.tools.StorageTool';
  await runOk('java', [...JVM_OPTIONS, '-cp', `${jars}/*`, tool, ...format]);
  const allowed = '-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls';
  const jvm =
    options.tokenKeys === undefined ? [] : [`${allowed}=file://${tokenKeysFile(dataDir)}`];
  const peer = new KafkaPeer({ dataDir, listeners, controllerPort, certificates, jvm });
  await peer.start();
  return peer;
}

function nodeSettings(dataDir: string): Record<string, string> {
  return {
    'log.dirs': join(dataDir, 'logs'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'message.max.bytes': '33554432',
    'replica.fetch.max.bytes': '33554432',
    // After kill -9 the next life may register as soon as the last one is given up.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    // The cleaner and the retention check come round often enough for a test to see them.
    'log.cleaner.backoff.ms': '500',
    'log.retention.check.interval.ms': '1000',
    'log.initial.task.delay.ms': '500',
  };
}

function listenerSettings(
  listeners: readonly Listener[],
  controllerPort: number,
  second: boolean,
): Record<string, string> {
  const addresses = listeners.map(({ name, port }) => `${name}://127.0.0.1:${port}`).join(',');
  const advertised = listeners
    .map(({ name, port, advertisedPort = port }) => `${name}://127.0.0.1:${advertisedPort}`)
    .join(',');
  const protocols = listeners.map(({ name, protocol }) => `${name}:${protocol}`).join(',');
  const controller = second ? '' : `,CONTROLLER://127.0.0.1:${controllerPort}`;
  return {
    'process.roles': second ? 'broker' : 'broker,controller',
    'node.id': second ? '2' : '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: `${addresses}${controller}`,
    'advertised.listeners': advertised,
    'listener.security.protocol.map': `CONTROLLER:PLAINTEXT,${protocols}`,
  };
}

const tokenKeysFile = (dataDir: string): string => join(dataDir, 'jwks.json');

/** OAUTHBEARER: unsecured tokens without TLS, signed ones over TLS, with a short session. */
function tokenSettings(dataDir: string): Record<string, string> {
  const oauth = 'org.apache.kafka.common.security.oauthbearer';
  const login = `${oauth}.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`;
  const over = 'listener.name.saslssl.oauthbearer';
  return {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    'listener.name.saslplaintext.oauthbearer.sasl.jaas.config': login,
    [`${over}.sasl.jaas.config`]: `${oauth}.OAuthBearerLoginModule required;`,
    [`${over}.sasl.server.callback.handler.class`]: `${oauth}.OAuthBearerValidatorCallbackHandler`,
    // Without it, and not by mechanism, Kafka 4.1.0 does not look at signatures.
    'listener.name.saslssl.sasl.oauthbearer.jwt.validator.class': `${oauth}.BrokerJwtValidator`,
    [`${over}.sasl.oauthbearer.jwks.endpoint.url`]: `file://${tokenKeysFile(dataDir)}`,
    [`${over}.sasl.oauthbearer.expected.audience`]: TOKEN_AUDIENCE,
    [`${over}.connections.max.reauth.ms`]: String(TOKEN_SESSION_MS),
  };
}

function securitySettings(certificates: CertificateFiles): Record<string, string> {
  const modules = 'org.apache.kafka.common.security';
  const { name, password } = SASL_USER;
  const sasl = ['saslplaintext', 'saslssl'].map((listener) => ({
    [`listener.name.${listener}.plain.sasl.jaas.config`]: `${modules}.plain.PlainLoginModule required user_${name}="${password}";`,
    [`listener.name.${listener}.scram-sha-256.sasl.jaas.config`]: `${modules}.scram.ScramLoginModule required;`,
    [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`]: `${modules}.scram.ScramLoginModule required;`,
  }));
  return {
    ...Object.assign({}, ...sasl),
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:ANONYMOUS;User:${name};User:CN=millrace test client`,
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': certificates.serverKeyStore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': certificates.authority,
    'listener.name.ssl.ssl.client.auth': 'required',
    [`listener.name.${MISNAMED.toLowerCase()}.ssl.keystore.location`]:
      certificates.misnamedKeyStore,
  };
}
