// The exactly-once checker: compares what was produced (a manifest) with what SQL answers, and checks that
// a job's ledger balances. Importable, and a program: node test/support/checker.ts --port 9030
// --table db.t --job db.j --expected manifest.json [--host H] [--user U]. Changes nothing it looks at.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createConnection } from 'mysql2/promise';
import type { Manifest } from './manifest.ts';

/** Runs one statement; every value as text. */
export type RunSql = (text: string) => Promise<readonly (readonly (string | null)[])[]>;

export interface CheckTarget {
  /** `database.table`. */
  readonly table: string;
  /** `database.job`; null leaves the ledger out. */
  readonly job: string | null;
  readonly expected: Manifest;
}

export interface Verdict {
  readonly ok: boolean;
  /** What is not as it must be, one line each. */
  readonly differences: readonly string[];
  /** What was looked at, for the report. */
  readonly facts: readonly string[];
}

/** Collects differences. */
class Findings {
  readonly differences: string[] = [];
  readonly facts: string[] = [];

  equal(what: string, actual: bigint | number | string | null, wanted: bigint | number | string) {
    if (String(actual) === String(wanted)) this.facts.push(`${what}: ${actual}`);
    else
      this.differences.push(`${what}: is ${actual}, must be ${wanted}${gapText(actual, wanted)}`);
  }

  verdict(): Verdict {
    const { differences, facts } = this;
    return { ok: differences.length === 0, differences, facts };
  }
}

function gapText(actual: unknown, wanted: unknown): string {
  if (!/^-?\d+$/.test(String(actual)) || !/^-?\d+$/.test(String(wanted))) return '';
  const difference = BigInt(String(actual)) - BigInt(String(wanted));
  return difference > 0n ? ` (${difference} too many)` : ` (${-difference} missing)`;
}

/** Compares; throws only when SQL itself fails. */
export async function check(sql: RunSql, target: CheckTarget): Promise<Verdict> {
  const findings = new Findings();
  await checkTable(sql, target, findings);
  if (target.job !== null) await checkJob(sql, target, findings);
  return findings.verdict();
}

/** The verdict as text for people. */
export function printVerdict({ ok, differences, facts }: Verdict, target: CheckTarget): string {
  const head = ok
    ? `EXACTLY ONCE: ${target.table} holds what was produced`
    : `NOT EXACTLY ONCE: ${target.table} differs from what was produced`;
  return [
    head,
    ...differences.map((line) => `  DIFFERENT ${line}`),
    ...facts.map((line) => `  ok        ${line}`),
  ].join('\n');
}

/** SQL of one row's text, as `rowDigest` of manifest.ts makes it. */
function rowTextSql(columns: readonly string[]): string {
  const parts = columns.map((column) => `ifnull(CAST(${column} AS STRING), '\\\\N')`);
  return `concat(${parts.join(", '|', ")})`;
}

async function checkTable(
  sql: RunSql,
  { table, expected }: CheckTarget,
  findings: Findings,
): Promise<void> {
  const { idColumn: id } = expected;
  const digest = `CAST(conv(substr(md5(${rowTextSql(expected.columns)}), 1, 15), 16, 10) AS LARGEINT)`;
  const [row] = await sql(
    `SELECT count(*), count(DISTINCT ${id}), ifnull(sum(CAST(${id} AS LARGEINT)), 0), ifnull(sum(${digest}), 0) FROM ${table}`,
  );
  findings.equal('rows', row?.[0] ?? null, expected.rows);
  findings.equal(`distinct ${id}`, row?.[1] ?? null, expected.distinctIds);
  findings.equal(`sum of ${id}`, row?.[2] ?? null, expected.idSum);
  findings.equal('checksum of all columns', row?.[3] ?? null, expected.checksum);
  if (row?.[0] === row?.[1] || expected.rows !== expected.distinctIds) return;
  const doubled = await sql(
    `SELECT ${id}, count(*) FROM ${table} GROUP BY ${id} HAVING count(*) > 1 ORDER BY ${id} LIMIT 5`,
  );
  findings.differences.push(`doubled, the first: ${doubled.map((r) => r.join(' x')).join(', ')}`);
}

const LEDGER_COLUMNS = [
  'PARTITION_ID',
  'FROM_OFFSET',
  'TO_OFFSET',
  'MESSAGES_RECEIVED',
  'MESSAGES_CONSUMED',
  'SKIPPED_CONTROL',
  'SKIPPED_ABORTED',
  'SKIPPED_EMPTY',
  'SKIPPED_GAP',
  'ROWS_LOADED',
  'ROWS_FILTERED',
  'ROWS_UNSELECTED',
] as const;

type LedgerRow = Readonly<Record<(typeof LEDGER_COLUMNS)[number], number>>;

async function checkJob(sql: RunSql, target: CheckTarget, findings: Findings): Promise<void> {
  const [database, job] = (target.job ?? '').split('.');
  const here = `DB_NAME = '${database}' AND JOB_NAME = '${job}'`;
  const rows = await sql(
    `SELECT ${LEDGER_COLUMNS.join(', ')} FROM information_schema.routine_load_ledger WHERE ${here} ORDER BY PARTITION_ID, SEGMENT`,
  );
  const ledger = rows.map(
    (row) =>
      Object.fromEntries(
        LEDGER_COLUMNS.map((name, index) => [name, Number(row[index])]),
      ) as LedgerRow,
  );
  if (ledger.length === 0) findings.differences.push(`job ${target.job} has no ledger`);
  checkBalance(ledger, findings);
  checkTotals(ledger, target.expected, findings);
  await checkProgress(sql, { database, job, ledger }, findings);
  await checkRejected(sql, { database, job, expected: target.expected }, findings);
}

/** What must hold within each row of the ledger, and from row to row of a partition. */
function checkBalance(ledger: readonly LedgerRow[], findings: Findings): void {
  let before: LedgerRow | undefined;
  let wrong = 0;
  const must = (holds: boolean, text: string): void => {
    if (holds) return;
    wrong += 1;
    findings.differences.push(`ledger: ${text}`);
  };
  for (const row of ledger) {
    const where = `partition ${row.PARTITION_ID} from ${row.FROM_OFFSET}`;
    const skipped = row.SKIPPED_CONTROL + row.SKIPPED_ABORTED + row.SKIPPED_EMPTY;
    const accounted = row.MESSAGES_CONSUMED + skipped;
    const span = row.TO_OFFSET - row.FROM_OFFSET;
    must(
      row.MESSAGES_RECEIVED === accounted,
      `${where}: received ${row.MESSAGES_RECEIVED} but consumed and skipped ${accounted}`,
    );
    must(
      span === row.MESSAGES_RECEIVED + row.SKIPPED_GAP,
      `${where}: covers ${span} offsets but received and gaps are ${row.MESSAGES_RECEIVED + row.SKIPPED_GAP}`,
    );
    if (before?.PARTITION_ID === row.PARTITION_ID)
      must(row.FROM_OFFSET >= before.TO_OFFSET, `${where}: overlaps ${before.TO_OFFSET}`);
    before = row;
  }
  if (wrong === 0) findings.facts.push(`ledger balances in ${ledger.length} rows`);
}

function checkTotals(ledger: readonly LedgerRow[], expected: Manifest, findings: Findings): void {
  const sum = (name: keyof LedgerRow): number =>
    ledger.reduce((total, row) => total + row[name], 0);
  findings.equal('ledger: rows loaded', sum('ROWS_LOADED'), expected.loaded ?? expected.rows);
  findings.equal('ledger: rows filtered', sum('ROWS_FILTERED'), expected.filtered);
  findings.equal('ledger: rows unselected', sum('ROWS_UNSELECTED'), expected.unselected);
  findings.equal('ledger: messages consumed', sum('MESSAGES_CONSUMED'), expected.consumed);
  if (expected.aborted !== undefined)
    findings.equal(
      'ledger: messages of aborted transactions',
      sum('SKIPPED_ABORTED'),
      expected.aborted,
    );
  for (const [partition, end] of Object.entries(expected.endOffsets ?? {})) {
    const last = ledger.findLast((row) => String(row.PARTITION_ID) === partition);
    findings.equal(`ledger: end of partition ${partition}`, last?.TO_OFFSET ?? null, end);
  }
}

/** The job's position is where its ledger ends: neither moves without the other. */
async function checkProgress(
  sql: RunSql,
  from: {
    readonly database: string | undefined;
    readonly job: string | undefined;
    readonly ledger: readonly LedgerRow[];
  },
  findings: Findings,
): Promise<void> {
  const [row] = await sql(
    `SELECT PROGRESS, STATE FROM information_schema.routine_load_jobs WHERE DB_NAME = '${from.database}' AND NAME = '${from.job}' ORDER BY ID DESC LIMIT 1`,
  );
  const progress = JSON.parse(row?.[0] ?? '{}') as Record<string, string>;
  const ends = new Map(from.ledger.map((entry) => [String(entry.PARTITION_ID), entry.TO_OFFSET]));
  for (const [partition, end] of ends)
    if (progress[partition] !== String(end - 1))
      findings.differences.push(
        `position of partition ${partition} is ${progress[partition]}, the ledger ends at ${end - 1}`,
      );
  findings.facts.push(`job is ${row?.[1]}`);
}

/** Each filtered row can be read back, once. */
async function checkRejected(
  sql: RunSql,
  from: {
    readonly database: string | undefined;
    readonly job: string | undefined;
    readonly expected: Manifest;
  },
  findings: Findings,
): Promise<void> {
  const [id] = await sql(
    `SELECT ID FROM information_schema.routine_load_jobs WHERE DB_NAME = '${from.database}' AND NAME = '${from.job}' ORDER BY ID DESC LIMIT 1`,
  );
  const [row] = await sql(
    `SELECT count(*), count(DISTINCT CAST(source_info AS STRING)) FROM _statistics_.rejected_records WHERE load_label LIKE '${from.job}-${id?.[0]}-%'`,
  );
  findings.equal('rejected rows kept', row?.[0] ?? null, from.expected.filtered);
  if (from.expected.rowsPerMessage === 1)
    findings.equal('distinct messages of rejected rows', row?.[1] ?? null, from.expected.filtered);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string' },
      user: { type: 'string', default: 'root' },
      password: { type: 'string', default: '' },
      table: { type: 'string' },
      job: { type: 'string' },
      expected: { type: 'string' },
    },
  });
  const { port, table, job, expected: file } = values;
  if (port === undefined || table === undefined || file === undefined) {
    console.error('checker.ts --port N --table db.t [--job db.j] --expected manifest.json');
    return 2;
  }
  const connection = await createConnection({
    host: values.host,
    port: Number(port),
    user: values.user,
    password: values.password,
    typeCast: (field) => field.string(),
  });
  const sql: RunSql = async (text) => {
    const [rows] = await connection.query({ sql: text, rowsAsArray: true });
    return rows as unknown as (string | null)[][];
  };
  try {
    const expected = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
    const target: CheckTarget = { table, job: job ?? null, expected };
    const verdict = await check(sql, target);
    console.log(printVerdict(verdict, target));
    return verdict.ok ? 0 : 1;
  } finally {
    await connection.end();
  }
}

if (import.meta.main) process.exitCode = await main();
