// Apache Kafka, the real one: jars fetched by Maven (pom.xml beside this file), run as one KRaft node on
// 127.0.0.1 with free ports, plain, with SASL (PLAIN and SCRAM) or with TLS; and its Java console tools.
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CertificateFiles, makeCertificates } from './certificates.ts';
import {
  type CommandResult,
  debianProgram,
  freePort,
  installedFolder,
  run,
  runOk,
  type Server,
  startServerProcess,
} from './processes.ts';

const FOLDER = join(import.meta.dirname, 'kafka');
/** Start of a JVM that shares two cores with the rest of a test. */
const TOOL_OPTIONS = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
const START_TIMEOUT_MS = 120_000;
const QUIET = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error';

/** User of a broker with SASL; it may do everything. */
export const SASL_USER = { name: 'loader', password: 'loader-secret' } as const;

/** Folder with Kafka's jars; fetched once. */
export async function kafkaJars(): Promise<string> {
  await debianProgram('java', 'openjdk-17-jdk-headless');
  const pom = join(FOLDER, 'pom.xml');
  const digest = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex');
  return installedFolder(`kafka-${digest.slice(0, 12)}`, async (folder) => {
    const maven = await debianProgram('mvn', 'maven');
    // Maven writes a target folder beside the pom: not into the checkout.
    await copyFile(pom, join(folder, 'pom.xml'));
    const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime'];
    await runOk(
      maven,
      ['-q', '-B', '-f', join(folder, 'pom.xml'), ...copy, `-DoutputDirectory=${folder}`],
      { timeoutMs: 600_000 },
    );
  });
}

/** Classes of the small Java programs in test/peers/kafka/, compiled once per text of them. */
async function ownClasses(source: string): Promise<string> {
  const jars = await kafkaJars();
  const file = join(FOLDER, source);
  const digest = createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
  return installedFolder(`classes-${digest.slice(0, 12)}`, async (folder) => {
    const javac = await debianProgram('javac', 'openjdk-17-jdk-headless');
    await runOk(javac, ['-cp', `${jars}/*`, '-d', folder, file]);
  });
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
  return run('java', [...TOOL_OPTIONS, QUIET, '-cp', `${jars}/*`, mainClass, ...args], options);
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

/** Runs test/peers/kafka/TransactionalWriter.java; see its head for the steps it takes. */
export async function writeTransactions(
  bootstrap: string,
  topic: string,
  steps: readonly string[],
): Promise<string> {
  const jars = await kafkaJars();
  const classes = await ownClasses('TransactionalWriter.java');
  return runOk('java', [
    ...TOOL_OPTIONS,
    QUIET,
    '-cp',
    `${classes}:${jars}/*`,
    'TransactionalWriter',
    bootstrap,
    topic,
    ...steps,
  ]);
}

export type KafkaSecurity = 'none' | 'sasl' | 'tls';

export interface KafkaOptions {
  readonly security?: KafkaSecurity;
  /** Kept by stop() when given; else a new temporary directory, removed by stop(). */
  readonly dataDir?: string;
  /** Further lines of server.properties. */
  readonly properties?: Readonly<Record<string, string>>;
}

export class KafkaPeer {
  /** Plaintext, whatever the security: for the test's own tools. */
  readonly bootstrap: string;
  /** The address that a job under test uses: SASL or TLS when asked for, else the same as bootstrap. */
  readonly securedBootstrap: string;
  readonly certificates: CertificateFiles | undefined;
  readonly #dataDir: string;
  readonly #removeDataDir: boolean;
  readonly #port: number;
  #server: Server | undefined;

  constructor(parts: {
    port: number;
    securedPort: number;
    dataDir: string;
    removeDataDir: boolean;
    certificates: CertificateFiles | undefined;
  }) {
    this.#port = parts.port;
    this.bootstrap = `127.0.0.1:${parts.port}`;
    this.securedBootstrap = `127.0.0.1:${parts.securedPort}`;
    this.#dataDir = parts.dataDir;
    this.#removeDataDir = parts.removeDataDir;
    this.certificates = parts.certificates;
  }

  /** Starts it (again), with what it stored before. */
  async start(): Promise<void> {
    const jars = await kafkaJars();
    this.#server = await startServerProcess(
      'java',
      [
        '-Xmx512m',
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
        '-cp',
        `${jars}/*`,
        'kafka.Kafka',
        join(this.#dataDir, 'server.properties'),
      ],
      { port: this.#port, timeoutMs: START_TIMEOUT_MS },
    );
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

  async restart(): Promise<void> {
    await this.shutdown();
    await this.start();
  }

  /** Ends it for good and removes its data. */
  async stop(): Promise<void> {
    await this.kill();
    if (this.#removeDataDir) await rm(this.#dataDir, { recursive: true, force: true });
  }
}

/** A new one-node Kafka that answers. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaPeer> {
  const security = options.security ?? 'none';
  const jars = await kafkaJars();
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'millrace-kafka-')));
  const [port, controllerPort, freeSecured] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
  ]);
  const securedPort = security === 'none' ? port : freeSecured;
  const certificates =
    security === 'tls' ? await makeCertificates(join(dataDir, 'tls')) : undefined;
  const settings = {
    ...baseSettings(dataDir, port, controllerPort),
    ...securitySettings(security, port, controllerPort, securedPort, certificates),
    ...options.properties,
  };
  const file = join(dataDir, 'server.properties');
  await writeFile(
    file,
    Object.entries(settings)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  const scram =
    security === 'sasl'
      ? ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
          '--add-scram',
          `${mechanism}=[name=${SASL_USER.name},password=${SASL_USER.password}]`,
        ])
      : [];
  const format = ['format', '-t', 'bWlsbHJhY2UtdGVzdC1rYQ', '-c', file, ...scram];
  await runOk('java', [
    ...TOOL_OPTIONS,
    QUIET,
    '-cp',
    `${jars}/*`,
    'kafka.tools.StorageTool',
    ...format,
  ]);
  const peer = new KafkaPeer({
    port,
    securedPort,
    dataDir,
    removeDataDir: options.dataDir === undefined,
    certificates,
  });
  await peer.start();
  return peer;
}

function baseSettings(
  dataDir: string,
  port: number,
  controllerPort: number,
): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAIN',
    listeners: `PLAIN://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAIN://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT',
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
    // The cleaner and the retention check come round often enough for a test to see them.
    'log.cleaner.backoff.ms': '1000',
    'log.retention.check.interval.ms': '1000',
    'log.initial.task.delay.ms': '1000',
  };
}

function securitySettings(
  security: KafkaSecurity,
  port: number,
  controllerPort: number,
  securedPort: number,
  certificates: CertificateFiles | undefined,
): Record<string, string> {
  if (security === 'none') return {};
  const protocol = security === 'sasl' ? 'SASL_PLAINTEXT' : 'SSL';
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule';
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule';
  const { name, password } = SASL_USER;
  return {
    listeners: `PLAIN://127.0.0.1:${port},SECURED://127.0.0.1:${securedPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAIN://127.0.0.1:${port},SECURED://127.0.0.1:${securedPort}`,
    'listener.security.protocol.map': `CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,SECURED:${protocol}`,
    ...(certificates === undefined
      ? {
          'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
          'listener.name.secured.plain.sasl.jaas.config': `${plain} required user_${name}="${password}";`,
          'listener.name.secured.scram-sha-256.sasl.jaas.config': `${scram} required;`,
          'listener.name.secured.scram-sha-512.sasl.jaas.config': `${scram} required;`,
        }
      : {
          'ssl.keystore.type': 'PEM',
          'ssl.keystore.location': certificates.serverKeyStore,
          'ssl.truststore.type': 'PEM',
          'ssl.truststore.location': certificates.authority,
          'ssl.client.auth': 'requested',
        }),
  };
}
