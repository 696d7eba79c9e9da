// A body of 1 GB (or 10) through the compute node's HTTP door, made while it is sent: from the request to all rows
// committed and counted. CPU and memory of all of Millrace's processes, not of the client. Baseline of the same run:
// DuckDB alone (threads=1) turning the same bytes in a local file into the same Parquet.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { systemClock } from '../src/base/clock.ts';
import { seededRandom } from '../src/base/random.ts';
import { newDataDir, startServer, type TestServer } from '../test/support/start-server.ts';
import { BATCH_ROWS, clickValues } from './clicks.ts';
import { type DuckdbColumns, duckdbOfFile, prepareTable } from './load-bench.ts';
import { cpuSeconds, peakRssBytes, processTree } from './process-stats.ts';
import { type BenchResult, median, type Run, round, summarize } from './report.ts';

export type BodyKind = 'csv' | 'json' | 'csv-log';

const TEMPLATES = 32;
const COLUMNS: DuckdbColumns = [
  ['uid', 'BIGINT'],
  ['site', 'VARCHAR'],
  ['vtime', 'BIGINT'],
];

interface Shape {
  readonly headers: Readonly<Record<string, string>>;
  readonly columns: DuckdbColumns;
  readonly format: 'csv' | 'json';
  /** Lines of one piece. */
  readonly lines: (batch: number) => readonly string[];
}

const CSV = { headers: { format: 'csv', column_separator: ',' }, format: 'csv' } as const;

const SHAPES: Readonly<Record<BodyKind, Shape>> = {
  csv: {
    ...CSV,
    columns: COLUMNS,
    lines: (batch) =>
      clickValues(batch).map((value) => {
        const click = JSON.parse(value.toString()) as Record<string, unknown>;
        return COLUMNS.map(([name]) => String(click[name])).join(',');
      }),
  },
  json: {
    headers: { format: 'json', ignore_json_size: 'true' },
    columns: COLUMNS,
    format: 'json',
    lines: (batch) => clickValues(batch).map((value) => value.toString().trim()),
  },
  'csv-log': {
    ...CSV,
    columns: [
      ['seen', 'TIMESTAMP'],
      ['status', 'INTEGER'],
      ['bytes', 'BIGINT'],
      ['host', 'VARCHAR'],
      ['path', 'VARCHAR'],
      ['agent', 'VARCHAR'],
    ],
    lines: logLines,
  },
};

const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML like Gecko) Chrome/142.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML like Gecko) Version/18.1',
];

/** What a web server writes of its requests: about 220 bytes a row, most of it text. */
function logLines(batch: number): readonly string[] {
  const random = seededRandom(batch + 9000);
  const two = (value: number): string => value.toString().padStart(2, '0');
  return Array.from({ length: BATCH_ROWS }, () => {
    const at = `2026-11-${two(1 + random.below(28))} ${two(random.below(24))}:${two(random.below(60))}:00`;
    const word = (): string => random.below(2 ** 31).toString(36);
    const path = `/shop/${word()}/${word()}/${word()}?session=${word()}${word()}&from=${word()}`;
    const host = `node-${random.below(40)}.eu-central.example.org`;
    const agent = AGENTS[random.below(AGENTS.length)] ?? '';
    return [at, 200 + random.below(300), random.below(1_000_000), host, path, agent].join(',');
  });
}

/** Lines of 10,000 rows; they repeat after 32 pieces, as in the Kafka benchmarks. */
function pieces(kind: BodyKind): readonly Buffer[] {
  return Array.from({ length: TEMPLATES }, (_, batch) =>
    Buffer.from(`${SHAPES[kind].lines(batch).join('\n')}\n`),
  );
}

/** The table that rows of the shape go to. */
async function prepare(server: TestServer, kind: BodyKind): Promise<void> {
  const types: Readonly<Record<string, string>> = { VARCHAR: 'STRING', TIMESTAMP: 'DATETIME' };
  const list = SHAPES[kind].columns.map(([name, type]) => `\`${name}\` ${types[type] ?? type}`);
  await prepareTable(server, `(${list.join(', ')})`);
}

function* bodyOf(templates: readonly Buffer[], rows: number): Generator<Buffer> {
  for (let batch = 0; batch < rows / BATCH_ROWS; batch += 1)
    yield templates[batch % TEMPLATES] ?? Buffer.alloc(0);
}

/** Sends the body chunked; gives the answer. */
async function put(
  port: number,
  kind: BodyKind,
  body: Iterable<Buffer>,
): Promise<Readonly<Record<string, string | number>>> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const sent = request(
    {
      host: '127.0.0.1',
      port,
      path: '/api/bench/clicks/_stream_load',
      method: 'PUT',
      auth: 'root:',
      headers: { ...SHAPES[kind].headers, timeout: '7200', expect: '100-continue' },
    },
    (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve(text));
    },
  );
  sent.on('error', reject);
  sent.on('continue', () => Readable.from(body, { objectMode: true, highWaterMark: 2 }).pipe(sent));
  sent.flushHeaders();
  return JSON.parse(await promise) as Readonly<Record<string, string | number>>;
}

interface BodyRun extends Run {
  readonly bytes: number;
  /** Peak of all processes before the load, which is not the body's share. */
  readonly restBytes: number;
}

async function loadBody(
  server: TestServer,
  kind: BodyKind,
  templates: readonly Buffer[],
  rows: number,
): Promise<BodyRun> {
  const { pid, cnHttpPort } = server.ready;
  const restBytes = peakRssBytes(pid);
  const beforeCpu = cpuSeconds(pid);
  const startMs = systemClock.monotonicMs();
  const answer = await put(cnHttpPort, kind, bodyOf(templates, rows));
  const seconds = (systemClock.monotonicMs() - startMs) / 1000;
  const used = cpuSeconds(pid) - beforeCpu;
  if (answer['Status'] !== 'Success' || answer['NumberLoadedRows'] !== rows)
    throw new Error(`the load failed: ${JSON.stringify(answer)}\n${server.logTail}`);
  if (processTree(pid).length < 3) throw new Error('not all processes are measured');
  const bytes = Number(answer['LoadBytes']);
  return { rows, seconds, cpuSeconds: used, peakRssBytes: peakRssBytes(pid), bytes, restBytes };
}

/** One load on a server of its own. */
async function loadOnce(
  kind: BodyKind,
  templates: readonly Buffer[],
  rows: number,
): Promise<BodyRun> {
  const server = await startServer({ broker: 'off' });
  try {
    await prepare(server, kind);
    const run = await loadBody(server, kind, templates, rows);
    const count = await server.value('SELECT count(*) FROM bench.clicks');
    if (count !== String(rows)) throw new Error(`${count} rows in the table, expected ${rows}`);
    return run;
  } finally {
    await server.stop();
  }
}

async function alone(kind: BodyKind, templates: readonly Buffer[], rows: number): Promise<Run> {
  const dir = newDataDir();
  try {
    const { columns, format } = SHAPES[kind];
    const path = join(dir, `clicks.${format}`);
    const file = openSync(path, 'w');
    for (const piece of bodyOf(templates, rows)) writeSync(file, piece);
    closeSync(file);
    return await duckdbOfFile({ path, rows, columns, format, directory: dir });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function figures(runs: readonly BodyRun[]): Readonly<Record<string, number>> {
  const [first] = runs;
  const mb = 1e6;
  return {
    'body GB': round((first?.bytes ?? 0) / 1e9),
    'bytes a row': round((first?.bytes ?? 0) / (first?.rows ?? 1)),
    'MB/CPU-s': round(median(runs.map((run) => run.bytes / mb / run.cpuSeconds))),
    'MB/s': round(median(runs.map((run) => run.bytes / mb / run.seconds))),
    'peak of the rest MB': Math.round(median(runs.map((run) => run.restBytes / mb))),
    "body's share MB": Math.round(
      median(runs.map((run) => (run.peakRssBytes - run.restBytes) / mb)),
    ),
  };
}

/** About `bytes` of rows, `repeats` times; `withBaseline`: DuckDB alone as well. */
export async function loadBodies(
  name: string,
  kind: BodyKind,
  bytes: number,
  repeats: number,
  withBaseline: boolean,
): Promise<BenchResult> {
  const templates = pieces(kind);
  const templateBytes = templates.reduce((sum, { length }) => sum + length, 0);
  const rows = Math.ceil((bytes / templateBytes) * TEMPLATES) * BATCH_ROWS;
  const runs: BodyRun[] = [];
  const baseline: Run[] = [];
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    runs.push(await loadOnce(kind, templates, rows));
    if (withBaseline) baseline.push(await alone(kind, templates, rows));
  }
  const other = withBaseline
    ? { name: `DuckDB alone, local ${SHAPES[kind].format} file`, runs: baseline }
    : null;
  return summarize(name, runs, other, figures(runs));
}

/** `loads` bodies of about `bytes` each at once, into one table: how long, how fair, how much memory. */
export async function loadAtOnce(name: string, loads: number, bytes: number): Promise<BenchResult> {
  const kind = 'csv';
  const templates = pieces(kind);
  const templateBytes = templates.reduce((sum, { length }) => sum + length, 0);
  const rows = Math.ceil((bytes / templateBytes) * TEMPLATES) * BATCH_ROWS;
  const server = await startServer({ broker: 'off' });
  try {
    await prepare(server, kind);
    const { pid, cnHttpPort } = server.ready;
    const restBytes = peakRssBytes(pid);
    const beforeCpu = cpuSeconds(pid);
    const startMs = systemClock.monotonicMs();
    const ends = await Promise.all(
      Array.from({ length: loads }, async () => {
        const answer = await put(cnHttpPort, kind, bodyOf(templates, rows));
        if (answer['Status'] !== 'Success' || answer['NumberLoadedRows'] !== rows)
          throw new Error(`a load failed: ${JSON.stringify(answer)}\n${server.logTail}`);
        return (systemClock.monotonicMs() - startMs) / 1000;
      }),
    );
    const seconds = Math.max(...ends);
    const run: BodyRun = {
      rows: rows * loads,
      seconds,
      cpuSeconds: cpuSeconds(pid) - beforeCpu,
      peakRssBytes: peakRssBytes(pid),
      bytes: bytes * loads,
      restBytes,
    };
    const count = await server.value('SELECT count(*) FROM bench.clicks');
    if (count !== String(run.rows)) throw new Error(`${count} rows, expected ${run.rows}`);
    return summarize(name, [run], null, {
      ...figures([run]),
      'first end, of the last': round(Math.min(...ends) / seconds),
    });
  } finally {
    await server.stop();
  }
}
