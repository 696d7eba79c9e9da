// The main job in other formats, from a topic to committed and queryable: CSV, Avro and Protobuf with a
// registry, and JSON with 20 columns. CPU and memory of all of Millrace's processes; broker and registry are beside them.
import { seededRandom } from '../src/base/random.ts';
import { framed, long, sized } from '../test/support/avro-bytes.ts';
import { RegistryServer } from '../test/support/registry-server.ts';
import { BATCH_ROWS, clickValues, randomValues } from './clicks.ts';
import {
  type BenchBroker,
  type DuckdbColumns,
  duckdbAlone,
  loadTopic,
  makeTopic,
  startBenchBroker,
} from './load-bench.ts';
import { type BenchResult, type Run, round, summarize } from './report.ts';

export type BenchFormat = 'json-random' | 'json-20' | 'csv' | 'avro' | 'protobuf';

interface Shape {
  readonly values: (batch: number) => Buffer[];
  readonly clauses?: string;
  readonly properties: string;
  readonly source?: string;
  readonly table?: string;
  /** For the baseline, DuckDB alone on the same bytes; none for formats that DuckDB does not read. */
  readonly duckdb?: DuckdbColumns;
}

const CLICK_SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Click',
  fields: [
    { name: 'uid', type: 'long' },
    { name: 'site', type: 'string' },
    { name: 'vtime', type: 'long' },
  ],
});

const CLICK_PROTO =
  'syntax = "proto3"; message Click { int64 uid = 1; string site = 2; int64 vtime = 3; }';

/** Message index 0, then the fields. */
function protoClick({ uid, site, vtime }: Click): Buffer {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
  const text = Buffer.from(site);
  return Buffer.from([0, 8, ...varint(uid), 18, text.length, ...text, 24, ...varint(vtime)]);
}

interface Click {
  readonly uid: number;
  readonly site: string;
  readonly vtime: number;
}

const clicks = (batch: number): Click[] =>
  clickValues(batch).map((value) => JSON.parse(value.toString()) as Click);

function shapeOf(format: BenchFormat, registry: RegistryServer): Shape {
  const source = `, "confluent.schema.registry.url"="${registry.url}"`;
  switch (format) {
    case 'csv':
      return {
        values: (batch) =>
          clicks(batch).map(({ uid, site, vtime }) => Buffer.from(`${uid},${site},${vtime}`)),
        clauses: `COLUMNS TERMINATED BY ','`,
        properties: '"format"="csv"',
      };
    case 'avro': {
      const id = registry.register('clicks-value', { schema: CLICK_SCHEMA });
      return {
        values: (batch) =>
          clicks(batch).map(({ uid, site, vtime }) =>
            framed(id, long(uid), sized(site), long(vtime)),
          ),
        properties: '"format"="avro"',
        source,
      };
    }
    case 'protobuf': {
      const id = registry.register('clicks-value', { schema: CLICK_PROTO, schemaType: 'PROTOBUF' });
      return {
        values: (batch) => clicks(batch).map((click) => framed(id, protoClick(click))),
        properties: '"format"="protobuf"',
        source,
      };
    }
    case 'json-random':
      return {
        values: randomValues,
        properties: '"format"="json"',
        duckdb: [
          ['uid', 'BIGINT'],
          ['site', 'VARCHAR'],
          ['vtime', 'BIGINT'],
        ],
      };
    case 'json-20':
      return {
        values: wideValues,
        duckdb: WIDE_COLUMNS.map(({ name, type }) => [name, DUCKDB_TYPES[type]]),
        properties: '"format"="json"',
        table: `(${WIDE_COLUMNS.map(({ name, type }) => `\`${name}\` ${type}`).join(', ')}) DISTRIBUTED BY HASH(\`c0\`)`,
      };
  }
}

const WIDE_TYPES = ['bigint', 'string', 'double', 'datetime', 'int'] as const;
const WIDE_COLUMNS = Array.from({ length: 20 }, (_, index) => ({
  name: `c${index}`,
  type: WIDE_TYPES[index % WIDE_TYPES.length] ?? 'string',
}));

const DUCKDB_TYPES = {
  bigint: 'BIGINT',
  string: 'VARCHAR',
  double: 'DOUBLE',
  datetime: 'TIMESTAMP',
  int: 'INTEGER',
} as const;

/** Objects of 20 values, 470 to 500 bytes. */
function wideValues(batch: number): Buffer[] {
  const random = seededRandom(batch + 1000);
  const text = (): string =>
    `value-${random.below(1_000_000).toString().padStart(10, '0')}-and-more-of-this-text`;
  return Array.from({ length: BATCH_ROWS }, () => {
    const row = WIDE_COLUMNS.map(({ name, type }) => {
      const value = {
        bigint: 1_000_000_000_000 + random.below(1_000_000_000),
        string: text(),
        double: random.below(100_000_000) / 1000,
        datetime: `2026-01-${10 + random.below(20)} 12:${10 + random.below(50)}:00`,
        int: random.below(1_000_000),
      }[type];
      return [name, value];
    });
    return Buffer.from(JSON.stringify(Object.fromEntries(row)));
  });
}

function createJob(broker: BenchBroker, shape: Shape): string {
  return `CREATE ROUTINE LOAD bench.job ON clicks ${shape.clauses ?? ''}
    PROPERTIES (${shape.properties})
    FROM KAFKA ("kafka_broker_list"="${broker.bootstrap}", "kafka_topic"="clicks",
      "property.kafka_default_offsets"="OFFSET_BEGINNING"${shape.source ?? ''})`;
}

/** Loads `rows` messages of the format, `repeats` times. */
export async function loadFormat(
  format: BenchFormat,
  rows: number,
  repeats: number,
): Promise<BenchResult> {
  const broker = await startBenchBroker();
  const registry = await RegistryServer.start();
  try {
    const shape = shapeOf(format, registry);
    await makeTopic(broker, 'clicks', 1, rows, 'none', shape.values);
    const job = createJob(broker, shape);
    const table = shape.table === undefined ? {} : { table: shape.table };
    const runs: Run[] = [];
    const alone: Run[] = [];
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      runs.push(await loadTopic(broker, 'clicks', rows, undefined, { job, ...table }));
      if (shape.duckdb !== undefined)
        alone.push(await duckdbAlone(rows, shape.values, shape.duckdb));
    }
    const baseline =
      alone.length === 0 ? null : { name: 'DuckDB alone, local NDJSON file', runs: alone };
    const sample = shape.values(0);
    const messageBytes = sample.reduce((sum, value) => sum + value.length, 0) / sample.length;
    const result = summarize(`load-${format}`, runs, baseline);
    return {
      ...result,
      figures: {
        'bytes a message': round(messageBytes),
        'MB/CPU-s': round((result.rowsPerCpuSecond * messageBytes) / 1e6),
      },
    };
  } finally {
    await registry.stop();
    await broker.stop();
  }
}
