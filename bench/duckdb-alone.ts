// The baseline: DuckDB alone (threads=1, VARCHAR + TRY_CAST) turns an NDJSON or a CSV file into Parquet.
// Prints its figures as JSON. Usage: node bench/duckdb-alone.ts INPUT OUTPUT COLUMNS (JSON: [[name, type], ...]) [csv]
import { DuckDBInstance } from '@duckdb/node-api';

const [, , input, output, columnsJson = '[]', format = 'json'] = process.argv;
const columns = JSON.parse(columnsJson) as readonly (readonly [name: string, type: string])[];
const values = columns.map(([name, type]) =>
  type === 'VARCHAR' ? name : `TRY_CAST(${name} AS ${type}) AS ${name}`,
);
const texts = `columns={${columns.map(([name]) => `${name}: 'VARCHAR'`).join(', ')}}`;
const reader =
  format === 'csv'
    ? `read_csv('${input}', delim=',', header=false, auto_detect=false, ${texts})`
    : `read_json('${input}', format='newline_delimited', ${texts})`;
const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
const connection = await instance.connect();
const before = process.cpuUsage();
const startMs = performance.now();
await connection.run(
  `COPY (SELECT ${values.join(', ')} FROM ${reader})
   TO '${output}' (FORMAT parquet, PARQUET_VERSION v1, COMPRESSION zstd, COMPRESSION_LEVEL 1)`,
);
const { user, system } = process.cpuUsage(before);
console.log(
  JSON.stringify({
    seconds: (performance.now() - startMs) / 1000,
    cpuSeconds: (user + system) / 1e6,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  }),
);
process.exit(0);
