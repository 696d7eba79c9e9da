// A result of 1M rows x 3 columns to a MySQL client. The client is the mysql command line when it is
// installed, which drains fast; otherwise a socket that only counts bytes after a real login is not
// possible without a client, so mysql2 is the fallback and named in the figures.
import { spawn, spawnSync } from 'node:child_process';
import { systemClock } from '../src/base/clock.ts';
import { startServer, type TestServer } from '../test/support/start-server.ts';
import { createJob, makeTopic, prepareTable, startBenchBroker } from './load-bench.ts';
import { cpuSeconds, peakRssBytes } from './process-stats.ts';
import { type BenchResult, type Run, summarize } from './report.ts';

const ROWS = 1_000_000;

export async function resultRows(repeats: number): Promise<BenchResult> {
  const broker = await startBenchBroker();
  const server = await startServer({ broker: 'off' });
  try {
    await makeTopic(broker, 'clicks', 1, ROWS, 'none');
    await prepareTable(server);
    await server.sql(createJob(broker, 'clicks'));
    await server.until('SELECT count(*) FROM bench.clicks', (value) => value === String(ROWS));
    const cli = spawnSync('mysql', ['--version']).status === 0;
    const runs: Run[] = [];
    for (let repeat = 0; repeat < repeats + 1; repeat += 1) {
      const { pid } = server.ready;
      const beforeCpu = cpuSeconds(pid);
      const startMs = systemClock.monotonicMs();
      if (cli) await readByCli(server);
      else await readByLibrary(server);
      runs.push({
        rows: ROWS,
        seconds: (systemClock.monotonicMs() - startMs) / 1000,
        cpuSeconds: cpuSeconds(pid) - beforeCpu,
        peakRssBytes: peakRssBytes(pid),
      });
    }
    return summarize('result-rows', runs.slice(1), null, { mysqlCommandLine: cli ? 1 : 0 });
  } finally {
    await server.stop();
    await broker.stop();
  }
}

const SQL = 'SELECT uid, site, vtime FROM bench.clicks';

function readByCli(server: TestServer): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      'mysql',
      [
        '-h127.0.0.1',
        `-P${server.ready.queryPort}`,
        '-uroot',
        '--quick',
        '--batch',
        '--skip-column-names',
        '-e',
        SQL,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let lines = 0;
    child.stdout.on('data', (data: Buffer) => {
      for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, at + 1)) lines += 1;
    });
    child.once('exit', (code) =>
      code === 0 && lines === ROWS
        ? resolve()
        : reject(new Error(`mysql ended with ${code} after ${lines} rows`)),
    );
  });
}

async function readByLibrary(server: TestServer): Promise<void> {
  const { rows } = await server.sql(SQL);
  if (rows.length !== ROWS) throw new Error(`${rows.length} rows`);
}
