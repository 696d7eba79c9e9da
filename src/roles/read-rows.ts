// Small query results for statements that need values and not packets (SET @a = (SELECT ...)).
import { fail } from '../base/errors.ts';
import type { QueryPlan } from '../model/query-plan.ts';
import { readTextRow } from '../mysql/packets/binary-row.ts';
import { PacketSplitter } from '../mysql/packets/framing.ts';
import { MAX_ROW_BYTES } from '../mysql/row-encoder.ts';
import type { RunQuery } from './mysql-door.ts';

const MAX_RESULT_BYTES = 64 * 1024 * 1024;

/** Runs the plan and gives its rows as text. Throws LIMIT_EXCEEDED above 64 MB, and what the query throws. */
export async function readRows(
  runQuery: RunQuery,
  plan: QueryPlan,
  signal: AbortSignal,
): Promise<readonly (readonly (Buffer | null)[])[]> {
  const rows: (Buffer | null)[][] = [];
  let sizeBytes = 0;
  const splitter = new PacketSplitter(MAX_ROW_BYTES, ({ payload }) => {
    rows.push(readTextRow(payload, plan.columns.length));
  });
  await runQuery(plan, 0, signal, async (chunk) => {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_RESULT_BYTES) {
      throw fail('LIMIT_EXCEEDED', {
        what: 'the size of a value',
        actual: sizeBytes,
        limit: MAX_RESULT_BYTES,
      });
    }
    splitter.push(chunk);
  });
  return rows;
}
