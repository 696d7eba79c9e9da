// StarRocks' official clients of Stream Load, as their users run them: the Java SDK, Flink's and Spark's connectors,
// and Kafka Connect with a sink over the SDK. Jars by Maven, the programs beside this file.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compiledClass, JVM_OPTIONS, mavenJars, tryClass } from './java.ts';
import { type CommandResult, freePort, type Server, startServerProcess } from './processes.ts';

const TIMEOUT_MS = 180_000;
/** What Spark and Flink need of a Java 17. */
const OPEN = [
  ...['lang', 'lang.invoke', 'net', 'nio', 'util', 'util.concurrent', 'util.concurrent.atomic'].map(
    (name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`,
  ),
  '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-opens=java.base/sun.security.action=ALL-UNNAMED',
  '--add-opens=java.base/sun.util.calendar=ALL-UNNAMED',
];

export interface LoadTarget {
  /** `127.0.0.1:port` of the FE's HTTP. */
  readonly http: string;
  /** `127.0.0.1:port` of MySQL. */
  readonly query: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** Runs a program with a file of these lines; whatever its exit code. */
async function withFile(
  lines: readonly string[],
  story: (file: string) => Promise<CommandResult>,
): Promise<CommandResult> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-rows-'));
  try {
    const file = join(folder, 'rows.txt');
    await writeFile(file, `${lines.join('\n')}\n`);
    return await story(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs a program of a folder beside this file. */
async function play(
  name: string,
  program: string,
  args: readonly string[],
  jvm: readonly string[],
): Promise<CommandResult> {
  const folder = join(import.meta.dirname, name);
  const jars = await mavenJars(folder, name);
  return tryClass(jars, join(folder, program), args, { timeoutMs: TIMEOUT_MS, jvm });
}

function list(options: Readonly<Record<string, string>>): string[] {
  return Object.entries(options).map(([key, value]) => `${key}=${value}`);
}

export type SdkMode = 'plain' | 'auto' | 'commit' | 'abort' | 'prepared';

/** Loads rows (table, JSON or CSV) with the Java SDK; see SdkStory.java for the modes. */
export function sdkLoad(
  target: LoadTarget,
  mode: SdkMode,
  format: 'json' | 'csv',
  rows: readonly (readonly [table: string, row: string])[],
  properties: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const { http, user, password, database } = target;
  return withFile(
    rows.map(([table, row]) => `${table}\t${row}`),
    (file) => {
      const args = [`http://${http}`, user, password, database, format, mode, file];
      return play('stream-load-sdk', 'SdkStory.java', [...args, ...list(properties)], []);
    },
  );
}

/** Writes JSON lines with Spark's connector; `columns` is Spark's DDL. */
export function sparkWrite(
  target: LoadTarget,
  table: string,
  columns: string,
  rows: readonly string[],
  options: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const all = {
    'starrocks.fe.http.url': target.http,
    'starrocks.fe.jdbc.url': `jdbc:mysql://${target.query}`,
    'starrocks.table.identifier': `${target.database}.${table}`,
    'starrocks.user': target.user,
    'starrocks.password': target.password,
    ...options,
  };
  return withFile(rows, (file) =>
    play('spark', 'SparkStory.java', [file, columns, ...list(all)], ['-Xmx512m', ...OPEN]),
  );
}

/** Writes changes with Flink's connector; see FlinkStory.java for their form. */
export function flinkWrite(
  target: LoadTarget,
  table: string,
  kind: 'append' | 'upsert',
  changes: readonly string[],
  options: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const all = {
    'load-url': target.http,
    'jdbc-url': `jdbc:mysql://${target.query}`,
    'database-name': target.database,
    'table-name': table,
    username: target.user,
    password: target.password,
    ...options,
  };
  return withFile(changes, (file) =>
    play('flink', 'FlinkStory.java', [file, kind, ...list(all)], ['-Xmx768m', ...OPEN]),
  );
}

export interface ConnectOptions {
  readonly bootstrap: string;
  /** Each is loaded into the table of its name. */
  readonly topics: readonly string[];
  /** Properties of the loads. */
  readonly load?: Readonly<Record<string, string>>;
  /** Where a worker keeps its files; the same for one that goes on where another ended. */
  readonly folder: string;
  readonly group: string;
}

/** A worker of Kafka Connect with one sink, running. */
export async function startConnect(target: LoadTarget, options: ConnectOptions): Promise<Server> {
  const folder = join(import.meta.dirname, 'connect');
  const jars = await mavenJars(folder, 'connect');
  const classes = await compiledClass(jars, join(folder, 'StreamLoadSink.java'));
  const port = await freePort();
  const lines = (settings: Readonly<Record<string, string>>): string => list(settings).join('\n');
  const worker = join(options.folder, 'worker.properties');
  await writeFile(
    worker,
    lines({
      'bootstrap.servers': options.bootstrap,
      listeners: `http://127.0.0.1:${port}`,
      'offset.storage.file.filename': join(options.folder, 'offsets'),
      'offset.flush.interval.ms': '1000',
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
      'plugin.discovery': 'only_scan',
    }),
  );
  const sink = join(options.folder, 'sink.properties');
  await writeFile(
    sink,
    lines({
      name: options.group,
      'connector.class': 'StreamLoadSink',
      topics: options.topics.join(','),
      'consumer.override.auto.offset.reset': 'earliest',
      // How soon the topics of a worker that was killed are given to the next.
      'consumer.override.session.timeout.ms': '6000',
      url: `http://${target.http}`,
      user: target.user,
      password: target.password,
      database: target.database,
      ...Object.fromEntries(
        Object.entries(options.load ?? {}).map(([key, value]) => [`load.${key}`, value]),
      ),
    }),
  );
  const jvm = [...JVM_OPTIONS, '-Xmx512m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];
  const main = 'org.apache.kafka.connect.cli.ConnectStandalone';
  return startServerProcess('java', [...jvm, '-cp', `${jars}/*:${classes}`, main, worker, sink], {
    port,
    timeoutMs: TIMEOUT_MS,
  });
}
