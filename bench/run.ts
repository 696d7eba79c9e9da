// `npm run bench -- NAME... [--json] [--readme] [--repeats N] [--rows N] [--seconds N]`: runs benchmarks by name (none =
// all) and prints one JSON object, or one line, per benchmark; --readme also writes README's table from
// them. Figures are noisy: compare within one run.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import type { CompressionName } from '../src/kafka/protocol/batch-header.ts';
import { loadAtOnce, loadBodies } from './body-bench.ts';
import { compactionManyCommits, compactionMerge } from './compaction-bench.ts';
import { connections } from './connections-bench.ts';
import { loadFormat } from './format-bench.ts';
import { freshness } from './freshness-bench.ts';
import { frontEnd } from './front-end-bench.ts';
import { insertValues } from './insert-bench.ts';
import { insertClients } from './insert-clients-bench.ts';
import { fiftyJobs, idleJobs, twoJobs } from './jobs-bench.ts';
import { latencyUnderLoad } from './latency-bench.ts';
import { duckdbAlone, loadTopic, makeTopic, startBenchBroker } from './load-bench.ts';
import { loadUpsert } from './load-upsert-bench.ts';
import { mergeCommit } from './merge-commit-bench.ts';
import { partialUpdate } from './partial-update-bench.ts';
import { pointQuery } from './point-query-bench.ts';
import { type BenchResult, printResult, type Run, summarize, withBenchTable } from './report.ts';
import { resultRows } from './result-bench.ts';
import { scan } from './scan-bench.ts';
import { bitmapUnion } from './sketch-bench.ts';
import { upsertStarvation } from './starvation-bench.ts';
import { tpch } from './tpch-bench.ts';
import { wrongLogins } from './wrong-logins-bench.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    readme: { type: 'boolean', default: false },
    repeats: { type: 'string', default: '3' },
    rows: { type: 'string' },
    seconds: { type: 'string', default: '60' },
  },
});
const repeats = Number(values.repeats);
/** Less than a gigabyte for a quick look: 100 bytes of body for each of --rows. */
const bodyBytes = values.rows === undefined ? 1e9 : Number(values.rows) * 100;
const rows = Number(values.rows ?? 5_000_000);

async function load(
  name: string,
  partitions: number,
  compression: CompressionName,
  withBaseline: boolean,
): Promise<BenchResult> {
  const broker = await startBenchBroker();
  try {
    await makeTopic(broker, 'clicks', partitions, rows, compression);
    const runs: Run[] = [];
    const baseline: Run[] = [];
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      runs.push(await loadTopic(broker, 'clicks', rows));
      if (withBaseline) baseline.push(await duckdbAlone(rows));
    }
    return summarize(
      name,
      runs,
      withBaseline ? { name: 'DuckDB alone, local NDJSON file', runs: baseline } : null,
    );
  } finally {
    await broker.stop();
  }
}

const BENCHES: Readonly<Record<string, () => Promise<BenchResult>>> = {
  'load-none': () => load('load-none', 1, 'none', true),
  'load-lz4': () => load('load-lz4', 1, 'lz4', true),
  'load-4-partitions': () => load('load-4-partitions', 4, 'none', false),
  'load-json-20': () => loadFormat('json-20', Math.min(rows, 2_000_000), repeats),
  'load-csv': () => loadFormat('csv', rows, repeats),
  'load-avro': () => loadFormat('avro', rows, repeats),
  'load-protobuf': () => loadFormat('protobuf', rows, repeats),
  'load-json-random': () => loadFormat('json-random', rows, repeats),
  'load-upsert': () => loadUpsert(rows, repeats),
  'body-csv': () => loadBodies('body-csv', 'csv', bodyBytes, repeats, true),
  'body-csv-log': () => loadBodies('body-csv-log', 'csv-log', bodyBytes, repeats, true),
  'body-json': () => loadBodies('body-json', 'json', bodyBytes, repeats, true),
  'body-10gb': () => loadBodies('body-10gb', 'csv', 10 * bodyBytes, 1, false),
  'body-64': () => loadAtOnce('body-64', 64, bodyBytes / 10),
  'two-jobs': () => twoJobs(rows, repeats),
  'fifty-jobs': () => fiftyJobs(repeats),
  'idle-jobs': () => idleJobs(),
  freshness: () => freshness({ name: 'freshness', jobs: 1, rowsPerSecond: 1000, target: null }),
  'freshness-10-jobs': () =>
    freshness({ name: 'freshness-10-jobs', jobs: 10, rowsPerSecond: 10_000, target: null }),
  'freshness-100ms': () =>
    freshness({ name: 'freshness-100ms', jobs: 1, rowsPerSecond: 1000, target: '100ms' }),
  'latency-under-load': () => latencyUnderLoad(rows, repeats),
  connections: () => connections(Number(values.seconds)),
  'wrong-logins': () => wrongLogins(Number(values.seconds)),
  'result-rows': () => resultRows(repeats),
  'bitmap-union': () => bitmapUnion(repeats),
  'insert-values': () => insertValues(rows, repeats),
  'insert-clients': () => insertClients(repeats),
  'merge-commit': () => mergeCommit(repeats),
  'front-end': () => frontEnd(repeats),
  'point-query': () => pointQuery(Math.min(rows, 1_000_000), repeats),
  scan: () => scan(rows === 5_000_000 ? 20_000_000 : rows, repeats),
  tpch: () => tpch(repeats),
  'partial-update': () => partialUpdate(Math.min(rows, 500_000), repeats),
  'compaction-merge': () => compactionMerge(Math.min(rows, 2_400_000), repeats),
  'compaction-many-commits': () => compactionManyCommits(repeats),
  'upsert-starvation': () =>
    upsertStarvation(Number(values.rows ?? 30_000_000), Number(values.seconds)),
};

const names = positionals.length === 0 ? Object.keys(BENCHES) : positionals;
const results: BenchResult[] = [];
for (const name of names) {
  const bench = BENCHES[name];
  if (bench === undefined) {
    console.error(`no benchmark '${name}', known: ${Object.keys(BENCHES).join(', ')}`);
    process.exit(2);
  }
  const result = await bench();
  results.push(result);
  console.log(values.json ? JSON.stringify(result) : printResult(result));
}
if (values.readme) {
  const machine = `${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GB of memory`;
  const text = readFileSync('README.md', 'utf8');
  writeFileSync('README.md', withBenchTable(text, results, machine));
}
