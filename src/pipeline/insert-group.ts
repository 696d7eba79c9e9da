// The rows of several INSERTs at once. A statement with a row that must be rejected is left out as a whole, so that the
// others need not know of it: the rows are then written a second time, without it.
import { assert } from '../base/assert.ts';
import { failpoint } from '../base/failpoints.ts';
import type { Connection } from '../engine/duckdb.ts';
import type { InsertPart, InsertPlan, StagedInsert } from '../model/insert-plan.ts';
import type { BegunTransaction } from '../model/load-plan.ts';
import { copyRows, fillRows, type InsertServices, type RowJudge } from './insert-copy.ts';
import { rowsTable } from './transform/insert-sql.ts';

/** Notes which statements have rows that must be rejected. */
class StatementJudge implements RowJudge {
  readonly failure = null;
  readonly #statementOf: readonly number[];
  readonly #bad = new Set<number>();
  #count = 0;

  /** `statementOf`: the statement of each row. */
  constructor(statementOf: readonly number[]) {
    this.#statementOf = statementOf;
  }

  get count(): number {
    return this.#count;
  }

  get bad(): ReadonlySet<number> {
    return this.#bad;
  }

  /** `row` is the row's ordinal. */
  onRow(_code: number, row: string): void {
    const statement = this.#statementOf[Number(row)];
    assert(statement !== undefined, `a row of the group (${row})`);
    this.#bad.add(statement);
    this.#count += 1;
  }
}

/** There are statements to leave out: what was written has their good rows in it. */
class Unwanted extends Error {}

/**
 * Stages the statements that all rows of are good. Throws engine and storage errors; what was written then is
 * without effect.
 */
export async function copyGroup(
  plan: InsertPlan,
  { transactionId }: Pick<BegunTransaction, 'transactionId'>,
  services: InsertServices,
  connection: Connection,
  signal: AbortSignal,
): Promise<StagedInsert> {
  const statementOf = (plan.group ?? []).flatMap((rows, statement) =>
    Array.from({ length: rows }, () => statement),
  );
  const judge = new StatementJudge(statementOf);
  const copy = async (rows: InsertPlan, over: StatementJudge): Promise<StagedInsert> => {
    const begun = { transactionId };
    const check = (): void => {
      if (over.count > 0) throw new Unwanted();
    };
    const { rowCount, table } = await copyRows(
      rows,
      begun,
      over,
      services,
      connection,
      signal,
      check,
    );
    failpoint('insert.after-copy');
    const tables = table === null ? [] : [table];
    return { tables, rowsLoaded: rowCount, rowsFiltered: 0, errorSamples: [] };
  };
  await fillRows(plan, connection);
  try {
    return await copy(plan, judge);
  } catch (thrown) {
    if (!(thrown instanceof Unwanted)) throw thrown;
  }
  const fellOut = [...judge.bad].sort((a, b) => a - b);
  const kept = { ...plan, parts: plan.parts.map((part) => without(part, statementOf, judge.bad)) };
  const nothing = { tables: [], rowsLoaded: 0, rowsFiltered: 0, errorSamples: [], fellOut };
  if (fellOut.length === plan.group?.length) return nothing;
  await connection.run(`DROP TABLE ${rowsTable(0)}`, { signal });
  await fillRows(kept, connection);
  return { ...(await copy(kept, new StatementJudge(statementOf))), fellOut };
}

/** The part without rows of the statements; the others keep their ordinals. */
function without(
  part: InsertPart,
  statementOf: readonly number[],
  bad: ReadonlySet<number>,
): InsertPart {
  assert(part.kind === 'rows' && part.ordinals !== undefined, 'a group has numbered rows');
  const { ordinals } = part;
  const stays = (_: unknown, index: number): boolean => !bad.has(statementOf[index] ?? -1);
  return { ...part, rows: part.rows.filter(stays), ordinals: ordinals.filter(stays) };
}
