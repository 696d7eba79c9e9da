// FOR VERSION AS OF and FOR TIMESTAMP AS OF: what their expressions come to, and how long a statement may read
// versions that are on their way out.
import type { Config } from '../config/load.ts';
import { analysisError } from '../loads/properties.ts';
import type { TableInfo } from '../model/table.ts';
import type { TablePoint } from '../model/table-point.ts';
import type { UserValue } from '../query/catalog.ts';
import { datetimeOf } from '../query/datetime-text.ts';
import { replaceTables } from '../query/replace-tables.ts';
import { epochOfLocal } from '../query/time-zone.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type { Query, TableReference, TimeTravel } from '../sql/ast/query.ts';

/** The value of an expression without columns of its own. */
export type Evaluate = (expression: Expression) => Promise<UserValue>;

/** The same query with every point of time travel worked out. Throws SQL_ANALYZE, and what `evaluate` throws. */
export async function withPoints(
  query: Query,
  evaluate: Evaluate,
  timeZone: string,
): Promise<Query> {
  const found: TimeTravel[] = [];
  const open = (table: TableReference): TimeTravel | undefined =>
    table.asOf?.point === undefined ? table.asOf : undefined;
  replaceTables(query, (table) => {
    const asOf = open(table);
    if (asOf !== undefined) found.push(asOf);
    return undefined;
  });
  if (found.length === 0) return query;
  const points = new Map<TimeTravel, number>();
  for (const asOf of found) points.set(asOf, (await pointOf(asOf, evaluate, timeZone)).point);
  return replaceTables(query, (table) => {
    const asOf = open(table);
    const point = asOf === undefined ? undefined : points.get(asOf);
    return asOf === undefined || point === undefined
      ? undefined
      : { ...table, asOf: { ...asOf, point } };
  });
}

/** What `VERSION AS OF` or `TIMESTAMP AS OF` names. A time without a zone is the session's. */
export async function pointOf(
  { unit, expression }: Pick<TimeTravel, 'unit' | 'expression'>,
  evaluate: Evaluate,
  timeZone: string,
): Promise<TablePoint> {
  const { text } = await evaluate(expression);
  if (unit === 'VERSION') {
    if (text === null || !/^[1-9]\d{0,14}$/.test(text.trim())) {
      throw analysisError(
        `VERSION AS OF needs a version of the table, such as 12, not ${shown(text)}`,
      );
    }
    return { unit, point: Number(text) };
  }
  const local = text === null ? null : datetimeOf(text);
  if (local === null) {
    throw analysisError(
      `TIMESTAMP AS OF needs a time, such as '2025-01-31 13:00:00', not ${shown(text)}`,
    );
  }
  return { unit, point: epochOfLocal(local, timeZone) };
}

function shown(text: string | null): string {
  return text === null ? 'NULL' : `'${text}'`;
}

/** How long replaced versions of a table are kept, in milliseconds. */
export function retentionMs(table: Pick<TableInfo, 'properties'>, config: Config): number {
  const own = table.properties['version_retention_second'];
  return (own === undefined ? config.int('version_retention_second') : Number(own)) * 1000;
}

/**
 * The longest that a statement over these tables may run, whatever its session says: what it reads is kept for
 * `query_timeout_second`, and heads for as long as their table keeps versions.
 */
export function longestQueryMs(
  tables: readonly { readonly info: Pick<TableInfo, 'properties'>; readonly travels: boolean }[],
  config: Config,
): number {
  const kept = tables.map(({ info, travels }) => (travels ? 0 : retentionMs(info, config)));
  return Math.max(config.int('query_timeout_second') * 1000, Math.min(MAX_MS, ...kept));
}

/** Statements without tables: a day. */
const MAX_MS = 86_400_000;
