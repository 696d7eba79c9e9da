// The rows that DELETE and UPDATE change: a query over the table and what is joined to it, which also says where
// each row lies. Synchronous, no I/O. What the table's columns make of the new values is not decided here.
import { present } from '../base/assert.ts';
import type { ChangePlan, RowUpdate } from '../model/change-plan.ts';
import type { QueryScan } from '../model/query-plan.ts';
import type { ColumnSchema } from '../model/table.ts';
import type { Assignment } from '../sql/ast/change.ts';
import type * as ast from '../sql/ast/query.ts';
import type { Analysis, ScanDraft } from './analysis.ts';
import type { QueryContext } from './catalog.ts';
import type { TypedExpression } from './expression.ts';
import { querySql } from './generate-query.ts';
import { boundedSql } from './limits.ts';
import { analysePlan, planScans, planSources } from './plan-query.ts';
import type { QueryNode, SelectNode } from './query-node.ts';
import { analyzeError } from './scope.ts';
import { BIGINT, INT } from './types.ts';
import { containsAggregate } from './walk.ts';

/** The SQL that finds the rows; `types` and `fromTable` are of the columns behind the two of the place. */
export type ChangedRows = Pick<
  ChangePlan,
  'duckdbSql' | 'mayRepeat' | 'scans' | 'inlineTables' | 'volumes'
> &
  Pick<RowUpdate, 'types' | 'fromTable'>;

/**
 * @param query of `changeQuery`, with its views put in.
 * @param kept columns that keep their values: they come before the values of the query's own items.
 * @throws as planQuery does.
 */
export function planChangedRows(
  query: ast.Query,
  kept: readonly ColumnSchema[],
  assigned: readonly Assignment[],
  text: string,
  context: QueryContext,
): ChangedRows {
  const { node, analysis } = analysePlan(query, text, context);
  const { body } = node;
  if (body.kind !== 'select') throw analyzeError('a change reads one SELECT', query.pos);
  for (const [index, { pos }] of assigned.entries()) {
    if (!containsAggregate(present(body.items[index], 'a value per assignment'))) continue;
    throw analyzeError('UPDATE cannot set a column to an aggregation', pos);
  }
  const scan = present(
    analysis.scans.find((draft) => draft.positions === true),
    'the scan of the table that changes',
  );
  const values = assigned.map((_, index) => present(body.items[index], 'a value'));
  const columns = kept.map(({ name, type }) => columnOf(scan, name, type));
  const items = [columnOf(scan, '__file', INT), columnOf(scan, '__row', BIGINT)];
  const whole = withItems(node, body, [...items, ...columns, ...values]);
  const carried = [...columns, ...values];
  return {
    duckdbSql: boundedSql(querySql(whole, context.session.timeZone)),
    mayRepeat: body.from?.kind !== 'scan',
    types: carried.map(({ type }) => type),
    fromTable: carried.map((item) => isTableColumn(item, analysis)),
    ...planSources(analysis, planScans(analysis, whole)),
  };
}

/** The scan of the table that changes. */
export function changedScan({ scans }: Pick<ChangePlan, 'scans'>): QueryScan {
  return present(
    scans.find((scan) => scan.positions === true),
    'the scan of the table that changes',
  );
}

function columnOf(scan: ScanDraft, column: string, type: ColumnSchema['type']): TypedExpression {
  return { kind: 'column', type, relation: scan.alias, column, display: column };
}

function isTableColumn(item: TypedExpression, { scans }: Analysis): boolean {
  return item.kind === 'column' && scans.some((scan) => scan.alias === item.relation);
}

function withItems(
  node: QueryNode,
  body: SelectNode,
  items: readonly TypedExpression[],
): QueryNode {
  return {
    ...node,
    body: { ...body, items },
    columns: items.map(({ type }, index) => ({ name: `c${index}`, type })),
  };
}
