// What the FE does for a query before the engine sees it: parse + analyse + generate, without I/O. Microseconds,
// medians over many runs; INSERT ... VALUES is parsed only.

import { planQuery } from '../src/query/plan-query.ts';
import { parseStatement } from '../src/sql/parse.ts';
import { TPCDS_TABLES } from '../test/support/tpcds-data.ts';
import { tpcdsQueries } from '../test/support/tpcds-queries.ts';
import { catalogOf, SESSION, storedTable } from '../test/unit/query/harness.ts';
import { type BenchResult, median, summarize } from './report.ts';

const TYPES = {
  int: { kind: 'INT' },
  text: { kind: 'VARCHAR', length: 200 },
  date: { kind: 'DATE' },
  money: { kind: 'DECIMAL', precision: 7, scale: 2 },
} as const;

const CONTEXT = {
  catalog: catalogOf([
    ...TPCDS_TABLES.map(({ name, columns }) =>
      storedTable(name, Object.fromEntries(columns.map(([column, type]) => [column, TYPES[type]]))),
    ),
    storedTable('site_clicks', {
      uid: { kind: 'BIGINT' },
      site: { kind: 'VARCHAR', length: 65533 },
      vtime: { kind: 'BIGINT' },
    }),
  ]),
  session: SESSION,
  limits: { timeoutMs: 1000, maxRows: null },
};

const CLICK_QUERIES = [
  'SELECT * FROM site_clicks WHERE uid = 7',
  `SELECT site, count(*) AS n FROM site_clicks WHERE uid > 100 AND vtime >= 1700000000 GROUP BY site ORDER BY n DESC LIMIT 10`,
  `SELECT uid, max(vtime) FROM site_clicks WHERE site LIKE 'https://%' GROUP BY uid`,
];
const VALUE_ROWS = 5000;

/** Median microseconds of one plan of the text. */
function planMicroseconds(sql: string, times: number): number {
  const all: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const startMs = performance.now();
    const statement = parseStatement(sql);
    if (statement.kind !== 'query') throw new Error('no query');
    planQuery(statement, sql, CONTEXT);
    all.push((performance.now() - startMs) * 1000);
  }
  return median(all);
}

export async function frontEnd(repeats: number): Promise<BenchResult> {
  const insert = `INSERT INTO site_clicks VALUES ${Array.from({ length: VALUE_ROWS }, (_, i) => `(${i}, 'https://example.com/${i}', ${1_700_000_000 + i})`).join(', ')}`;
  const queries = tpcdsQueries();
  for (const sql of CLICK_QUERIES) planMicroseconds(sql, 2000);
  for (const [, sql] of queries) planMicroseconds(sql, 20);
  const runs = [];
  const figures: Record<string, number> = {};
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const cpu = process.cpuUsage();
    const startMs = performance.now();
    figures['clickUs'] = Math.round(
      median(CLICK_QUERIES.map((sql) => planMicroseconds(sql, 2000))),
    );
    const tpcds = queries.map(([, sql]) => planMicroseconds(sql, 15));
    figures['tpcdsMedianUs'] = Math.round(median(tpcds));
    figures['tpcdsMaxUs'] = Math.round(Math.max(...tpcds));
    const parsed: number[] = [];
    for (let i = 0; i < 15; i += 1) {
      const beganMs = performance.now();
      parseStatement(insert);
      parsed.push(performance.now() - beganMs);
    }
    figures['insert5000Ms'] = Math.round(median(parsed) * 10) / 10;
    const { user, system } = process.cpuUsage(cpu);
    runs.push({
      rows: queries.length,
      seconds: (performance.now() - startMs) / 1000,
      cpuSeconds: (user + system) / 1e6,
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    });
  }
  return summarize('front-end', runs, null, figures);
}
