// SHOW DELETE: DELETEs that are done, from the history of transactions, for as long as labels are kept.
// SOURCE: StarRocks, DeleteMgr (columns, `*` for no partition, order, what a condition looks like). There it has those of
// tables without a primary key; here all.
import { fail } from '../../base/errors.ts';
import { readOutcome } from '../../catalog/transactions.ts';
import type { Expression } from '../../sql/ast/expression.ts';
import { printExpression } from '../../sql/print.ts';
import type { ListContext, ListDefinition, ListRow } from './list-definition.ts';

/** Most DELETEs of one list, the newest. */
const LIST_LIMIT = 2_000;
/** Longest text of a condition that is kept. */
const MAX_CONDITION = 4_000;

const NAMES: Readonly<Record<string, string>> = {
  '=': 'EQ',
  '<>': 'NE',
  '<': 'LT',
  '<=': 'LE',
  '>': 'GT',
  '>=': 'GE',
};

/** A WHERE as the list shows it: comparisons with constants by StarRocks' names, joined by commas. */
export function deleteCondition(where: Expression): string {
  const text = conjuncts(where).map(oneCondition).join(', ');
  return text.length > MAX_CONDITION ? `${text.slice(0, MAX_CONDITION)}...` : text;
}

function conjuncts(condition: Expression): readonly Expression[] {
  if (condition.kind !== 'binary' || condition.op !== 'AND') return [condition];
  return [...conjuncts(condition.left), ...conjuncts(condition.right)];
}

function oneCondition(condition: Expression): string {
  if (condition.kind !== 'binary' || condition.left.kind !== 'column')
    return printExpression(condition);
  const { op, left, right } = condition;
  const name = NAMES[op];
  const text = constantText(right);
  if (name === undefined || text === null) return printExpression(condition);
  return `${left.path.at(-1)} ${name} "${text}"`;
}

function constantText(value: Expression): string | null {
  switch (value.kind) {
    case 'string':
      return value.value;
    case 'date_literal':
    case 'integer':
    case 'decimal':
      return value.text;
    case 'boolean':
      return value.value ? '1' : '0';
    default:
      return null;
  }
}

async function deletes(context: ListContext): Promise<readonly ListRow[]> {
  const { services, visible, time, database } = context;
  if (database === null) throw fail('NO_DATABASE');
  const { catalog } = services;
  const { id } = await catalog.databases.get(database);
  const tables = new Map(
    (await catalog.tables.list(database)).map((table) => [table.id, table.name]),
  );
  const found = await catalog.transactions.deletes(id, LIST_LIMIT);
  return found.toReversed().flatMap((transaction): ListRow[] => {
    const { deleted } = readOutcome(transaction.attachmentJson);
    const { tableId } = transaction;
    const table = tableId === null ? undefined : tables.get(tableId);
    if (deleted === null || table === undefined || !visible.table(database, table)) return [];
    const partitions = deleted.partitions?.join(', ') ?? '*';
    return [[table, partitions, time(transaction.prepareMs), deleted.condition, 'FINISHED']];
  });
}

export const DELETES: ListDefinition = {
  columns: ['TableName', 'PartitionName', 'CreateTime', 'DeleteCondition', 'State'],
  rows: deletes,
};
