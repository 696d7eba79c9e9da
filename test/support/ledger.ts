// The ledger of a Routine Load job, read over SQL, and the sums that must hold in it at any time.
import assert from 'node:assert/strict';
import type { TestServer } from './start-server.ts';

/** Sums over all partitions of one job. */
export interface LedgerTotals {
  readonly received: number;
  readonly consumed: number;
  readonly control: number;
  readonly aborted: number;
  readonly empty: number;
  readonly gap: number;
  readonly loaded: number;
  readonly filtered: number;
  readonly unselected: number;
  /** Next offset by partition. */
  readonly toOffset: ReadonlyMap<number, number>;
}

const NUMBERS = [
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

/** Reads a job's ledger and checks every row of it. */
export async function readLedger(server: TestServer, job: string): Promise<LedgerTotals> {
  const { rows } = await server.sql(
    `SELECT ${NUMBERS.join(', ')} FROM information_schema.routine_load_ledger WHERE JOB_NAME = '${job}' ORDER BY PARTITION_ID, SEGMENT`,
  );
  assert.ok(rows.length > 0, `no ledger of job ${job}`);
  const sums = Array.from({ length: NUMBERS.length }, () => 0);
  const toOffset = new Map<number, number>();
  for (const row of rows) {
    const cells = row.map(Number);
    const [partition, from, to, received, consumed, control, aborted, empty, gap] = cells;
    assert.ok(
      partition !== undefined && from !== undefined && to !== undefined && received !== undefined,
    );
    const skipped = (control ?? 0) + (aborted ?? 0) + (empty ?? 0);
    assert.equal(received, (consumed ?? 0) + skipped, `received of partition ${partition}`);
    assert.equal(to - from, received + (gap ?? 0), `offsets of partition ${partition}`);
    toOffset.set(partition, to);
    for (const [index, cell] of cells.entries()) sums[index] = (sums[index] ?? 0) + cell;
  }
  const sum = (name: (typeof NUMBERS)[number]): number => sums[NUMBERS.indexOf(name)] ?? 0;
  return {
    received: sum('MESSAGES_RECEIVED'),
    consumed: sum('MESSAGES_CONSUMED'),
    control: sum('SKIPPED_CONTROL'),
    aborted: sum('SKIPPED_ABORTED'),
    empty: sum('SKIPPED_EMPTY'),
    gap: sum('SKIPPED_GAP'),
    loaded: sum('ROWS_LOADED'),
    filtered: sum('ROWS_FILTERED'),
    unselected: sum('ROWS_UNSELECTED'),
    toOffset,
  };
}
