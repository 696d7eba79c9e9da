// `SELECT ... WHERE uid = ?` on clicks stored in the order of their key, from 8 connections at once over the real
// MySQL port: the time of one query from sending to its last row, and the CPU that all of Millrace spends on it.
import { createConnection } from 'mysql2/promise';
import { systemClock } from '../src/base/clock.ts';
import { startServer } from '../test/support/start-server.ts';
import { createJob, makeTopic, prepareTable, startBenchBroker } from './load-bench.ts';
import { cpuSeconds, peakRssBytes } from './process-stats.ts';
import { type BenchResult, percentile, type Run, summarize } from './report.ts';

const CONNECTIONS = 8;
const QUERIES_EACH = 250;
const SORTED =
  '(uid bigint NOT NULL, site string NOT NULL, vtime bigint NOT NULL) DUPLICATE KEY(uid) DISTRIBUTED BY HASH(uid)';

export async function pointQuery(rows: number, repeats: number): Promise<BenchResult> {
  const broker = await startBenchBroker();
  const server = await startServer({ broker: 'off' });
  try {
    await makeTopic(broker, 'clicks', 1, rows, 'none');
    await prepareTable(server);
    await server.sql(createJob(broker, 'clicks'));
    await server.until('SELECT count(*) FROM bench.clicks', (value) => value === String(rows));
    await server.sql('STOP ROUTINE LOAD FOR bench.job');
    await server.sql(`CREATE TABLE bench.sorted ${SORTED}`);
    await server.sql('INSERT INTO bench.sorted SELECT * FROM bench.clicks ORDER BY uid');
    const most = Number(await server.value('SELECT max(uid) FROM bench.clicks'));
    const { pid, queryPort } = server.ready;
    const connections = await Promise.all(
      Array.from({ length: CONNECTIONS }, () =>
        createConnection({ host: '127.0.0.1', port: queryPort, user: 'root', database: 'bench' }),
      ),
    );
    const runs: Run[] = [];
    const figures: Record<string, number> = {};
    for (let repeat = 0; repeat < repeats + 1; repeat += 1) {
      const beforeCpu = cpuSeconds(pid);
      const startMs = systemClock.monotonicMs();
      const times: number[] = [];
      await Promise.all(
        connections.map(async (connection, c) => {
          for (let i = 0; i < QUERIES_EACH; i += 1) {
            const uid = ((c * QUERIES_EACH + i) * 7919) % most;
            const sentMs = performance.now();
            await connection.query(`SELECT uid, site, vtime FROM sorted WHERE uid = ${uid}`);
            times.push(performance.now() - sentMs);
          }
        }),
      );
      runs.push({
        rows: times.length,
        seconds: (systemClock.monotonicMs() - startMs) / 1000,
        cpuSeconds: cpuSeconds(pid) - beforeCpu,
        peakRssBytes: peakRssBytes(pid),
      });
      const spent = cpuSeconds(pid) - beforeCpu;
      figures['cpuMsPerQuery'] = Math.round((100_000 * spent) / times.length) / 100;
      for (const [name, share] of [
        ['p50Ms', 0.5],
        ['p95Ms', 0.95],
        ['p99Ms', 0.99],
      ] as const) {
        figures[name] = Math.round(percentile(times, share) * 100) / 100;
      }
    }
    await Promise.all(connections.map((connection) => connection.end()));
    return summarize('point-query', runs.slice(1), null, figures);
  } finally {
    await server.stop();
    await broker.stop();
  }
}
