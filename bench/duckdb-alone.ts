// The baseline: DuckDB alone (threads=1, VARCHAR + TRY_CAST) turns an NDJSON file into Parquet. Prints
// its figures as JSON. Usage: node bench/duckdb-alone.ts INPUT OUTPUT
import { DuckDBInstance } from '@duckdb/node-api';

const [, , input, output] = process.argv;
const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
const connection = await instance.connect();
const before = process.cpuUsage();
const startMs = performance.now();
await connection.run(
  `COPY (SELECT TRY_CAST(uid AS BIGINT) AS uid, site, TRY_CAST(vtime AS BIGINT) AS vtime
     FROM read_json('${input}', format='newline_delimited',
       columns={uid:'VARCHAR', site:'VARCHAR', vtime:'VARCHAR'}))
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
