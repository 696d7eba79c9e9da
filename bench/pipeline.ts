// Rows per CPU-second of the loader's data path: Fetch answers from memory -> decode -> pack -> DuckDB ->
// fsynced Parquet -> commit (to a front end in memory), for 5M click messages in four partitions.
// Baseline of the same run: DuckDB alone (threads=1, VARCHAR + TRY_CAST) turning the same bytes in a
// local NDJSON file into the same Parquet.
// Run: node bench/pipeline.ts [--json] [--rows N] [--repeats N] [--compression none|lz4|...]
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/base/clock.ts';
import { asId, type Epoch } from '../src/base/ids.ts';
import { silentLog } from '../src/base/log.ts';
import { seededRandom, systemRandom } from '../src/base/random.ts';
import type { FetchAnswer, FetchRequest, KafkaCluster } from '../src/kafka/client/cluster.ts';
import type { CompressionName } from '../src/kafka/protocol/batch-header.ts';
import { encodeRecordBatch } from '../src/kafka/protocol/record-batch-encoder.ts';
import { Loader } from '../src/pipeline/loader.ts';
import { FakeFrontEnd } from '../test/support/fake-front-end.ts';
import { FakeKafka } from '../test/support/fake-kafka.ts';
import { column, makePlan, PipelineFixture } from '../test/support/pipeline-fixture.ts';

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rows: { type: 'string', default: '5000000' },
    repeats: { type: 'string', default: '3' },
    compression: { type: 'string', default: 'none' },
    'skip-baseline': { type: 'boolean', default: false },
  },
});
const repeats = Number(args.repeats);
const compression = args.compression as CompressionName;
const PARTITIONS = 4;
const BATCH_ROWS = 10_000;
const BATCHES = Math.ceil(Number(args.rows) / BATCH_ROWS / PARTITIONS);
const ROWS = BATCHES * BATCH_ROWS * PARTITIONS;
/** Different record batches; they repeat with other base offsets, which the checksum leaves out. */
const TEMPLATES = 16;
const SITES = [
  'https://docs.starrocks.io/',
  'https://www.starrocks.io/',
  'https://www.starrocks.io/blog',
];

const templates = Array.from({ length: TEMPLATES }, (_, template) => {
  const random = seededRandom(template + 1);
  const values = Array.from({ length: BATCH_ROWS }, (_, index) =>
    Buffer.from(
      `{ "uid": ${random.below(10_000)}, "site": "${SITES[random.below(3)]}", "vtime": ${1718034793 + template * 100 + (index >> 7)} } `,
    ),
  );
  const bytes = encodeRecordBatch(
    values.map((value) => ({ value })),
    { compression, timestampMs: 1718034793000 },
  );
  return { values, bytes };
});

/** Serves the templates as if a log held all rows; nothing but one answer is in memory. */
class EndlessKafka extends FakeKafka implements KafkaCluster {
  override endOffset(): bigint {
    return BigInt(BATCHES * BATCH_ROWS);
  }

  override async fetch(request: FetchRequest): Promise<FetchAnswer> {
    const end = this.endOffset();
    if (request.positions.every((p) => p.offset >= end)) return super.fetch(request);
    let room = request.maxBytes;
    const partitions = request.positions.map(({ partition, offset, maxBytes }) => {
      const wanted = Math.min(maxBytes, room);
      // As from a socket: one buffer, each byte written once.
      const records = Buffer.allocUnsafeSlow(wanted);
      let bytes = 0;
      for (let at = offset; at < end; at += BigInt(BATCH_ROWS)) {
        const template = templates[Number(at / BigInt(BATCH_ROWS)) % TEMPLATES]?.bytes;
        if (template === undefined || bytes + template.length > wanted) break;
        template.copy(records, bytes);
        records.writeBigInt64BE(at, bytes);
        bytes += template.length;
      }
      room -= bytes;
      return {
        partition,
        error: null,
        records: records.subarray(0, bytes),
        highWatermark: end,
        lastStableOffset: end,
        logStartOffset: 0n,
        abortedTransactions: [],
      };
    });
    const bytes = partitions.reduce((sum, p) => sum + p.records.length, 0);
    return { partitions, bytes, release: () => undefined };
  }
}

interface Figures {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function measure(work: () => Promise<void>): Promise<Figures> {
  const startMs = systemClock.monotonicMs();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return {
    seconds: (systemClock.monotonicMs() - startMs) / 1000,
    cpuSeconds: (user + system) / 1e6,
  };
}

const COLUMNS = [
  column('uid', { kind: 'BIGINT' }),
  column('site', { kind: 'VARCHAR', length: 65533 }),
  column('vtime', { kind: 'BIGINT' }),
];

async function load(fixture: PipelineFixture, statementsAtOnce: number): Promise<Figures> {
  const frontEnd = new FakeFrontEnd(seededRandom(1));
  const plan = makePlan({ columns: COLUMNS });
  const loader = await Loader.open({
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    engine: fixture.engine,
    port: frontEnd,
    openCluster: () => new EndlessKafka(PARTITIONS),
    openStore: () => fixture.store,
    tempDirectory: join(fixture.directory, 'temp'),
    sharedMemoryDirectory: '/dev/shm',
    statementsAtOnce,
    budgetBytes: 160 * 1024 * 1024,
  });
  const done = Promise.withResolvers<void>();
  frontEnd.onCommit = () => {
    if (frontEnd.total((p) => p.rowsLoaded) >= ROWS) done.resolve();
  };
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({
    partition,
    offset: 0n,
  }));
  const figures = await measure(async () => {
    await loader.startTask({
      taskId: 'bench',
      epoch: asId<Epoch>(1),
      plan: { ...plan, source: { ...plan.source, partitions } },
    });
    await done.promise;
  });
  await loader.close(false);
  if (frontEnd.failedTasks.length > 0) throw frontEnd.failedTasks[0];
  return figures;
}

/** Writes the same messages into one NDJSON file; gives its path. */
function writeNdjson(fixture: PipelineFixture): string {
  const path = join(fixture.directory, 'clicks.ndjson');
  const descriptor = openSync(path, 'w');
  const blocks = templates.map(({ values }) =>
    Buffer.from(values.map((v) => `${v.toString()}\n`).join('')),
  );
  for (let batch = 0; batch < BATCHES * PARTITIONS; batch += 1)
    writeSync(descriptor, blocks[batch % TEMPLATES] ?? Buffer.alloc(0));
  closeSync(descriptor);
  return path;
}

async function duckdbAlone(fixture: PipelineFixture, input: string): Promise<Figures> {
  const output = join(fixture.directory, 'baseline.parquet');
  return measure(() =>
    fixture.connection.run(
      `COPY (SELECT TRY_CAST(uid AS BIGINT) AS uid, site, TRY_CAST(vtime AS BIGINT) AS vtime
         FROM read_json('${input}', format='newline_delimited',
           columns={uid:'VARCHAR', site:'VARCHAR', vtime:'VARCHAR'}))
       TO '${output}' (FORMAT parquet, PARQUET_VERSION v1, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880)`,
    ),
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const fixture = await PipelineFixture.open();
try {
  const runs: Record<string, Figures[]> = { one: [], two: [], baseline: [] };
  const input = args['skip-baseline'] ? null : writeNdjson(fixture);
  await load(fixture, 2);
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    runs['one']?.push(await load(fixture, 1));
    runs['two']?.push(await load(fixture, 2));
    if (input !== null) runs['baseline']?.push(await duckdbAlone(fixture, input));
  }
  const baselineCpu = median((runs['baseline'] ?? []).map((r) => r.cpuSeconds));
  for (const [name, statements] of [
    ['one', 1],
    ['two', 2],
  ] as const) {
    const figures = runs[name] ?? [];
    const cpuSeconds = median(figures.map((r) => r.cpuSeconds));
    const seconds = median(figures.map((r) => r.seconds));
    const result = {
      name: `pipeline-${statements}-statement${statements === 1 ? '' : 's'}-${compression}`,
      rows: ROWS,
      seconds: Number(seconds.toFixed(3)),
      cpuSeconds: Number(cpuSeconds.toFixed(3)),
      cpuSecondsMin: Number(Math.min(...figures.map((r) => r.cpuSeconds)).toFixed(3)),
      rowsPerSecond: Math.round(ROWS / seconds),
      rowsPerCpuSecond: Math.round(ROWS / cpuSeconds),
      baseline: 'DuckDB alone, local NDJSON file, rows per CPU-second',
      baselineRowsPerCpuSecond: Math.round(ROWS / baselineCpu),
      ratio: Number((baselineCpu / cpuSeconds).toFixed(2)),
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
      inputBytes: input === null ? 0 : statSync(input).size,
      runs: repeats,
    };
    if (args.json) console.log(JSON.stringify(result));
    else
      console.log(
        `${result.name.padEnd(28)} ${(result.rowsPerCpuSecond / 1e6).toFixed(2)} M rows/cpu-s, ` +
          `${(result.rowsPerSecond / 1e6).toFixed(2)} M rows/s, DuckDB alone ` +
          `${(result.baselineRowsPerCpuSecond / 1e6).toFixed(2)} M rows/cpu-s, ratio ${result.ratio}, ` +
          `peak ${(result.peakRssBytes / 1e6).toFixed(0)} MB`,
      );
  }
} finally {
  await fixture.close();
}
