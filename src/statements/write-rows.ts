// INSERT, UPDATE and DELETE: each by itself, or as a part of the session's transaction.
import { fail } from '../base/errors.ts';
import { OPERATION_COLUMN } from '../loads/operation.ts';
import { analysisError } from '../loads/properties.ts';
import type { SqlLoad, SqlTransaction } from '../loads/transaction/sql.ts';
import { replacingKeys } from '../model/load-plan.ts';
import type { TableInfo } from '../model/table.ts';
import { changedRowsQuery, ownColumn } from '../query/change-query.ts';
import type { ChangeStatement } from '../sql/ast/change.ts';
import type { Insert } from '../sql/ast/ddl.ts';
import { checkedTable, runChange } from './change.ts';
import { filteredWarnings, planInsert, refuseSystemTable, runInsert } from './insert.ts';
import { findTable, tableName } from './tables.ts';
import { transactionOutcome } from './transaction.ts';
import type { Handler, Outcome, StatementContext } from './types.ts';

export const insert: Handler<'insert'> = async (statement, context) => {
  const table = await findTable(statement.table, context);
  const { transaction } = context.session.explicit;
  return transaction === null
    ? await runInsert(statement, table, context)
    : await insertInTransaction(transaction, statement, table, context);
};

export const deleteRows: Handler<'delete'> = (statement, context) => change(statement, context);

export const updateRows: Handler<'update'> = (statement, context) => change(statement, context);

async function change(statement: ChangeStatement, context: StatementContext): Promise<Outcome> {
  const table = await checkedTable(statement, context);
  const { transaction } = context.session.explicit;
  return transaction === null
    ? await runChange(statement, table, context)
    : await changeInTransaction(transaction, statement, table, context);
}

/** INSERT as part of the transaction. Throws what INSERT throws, and see SqlTransactions.load. */
async function insertInTransaction(
  transaction: SqlTransaction,
  statement: Insert,
  table: TableInfo,
  context: StatementContext,
): Promise<Outcome> {
  await refuseSystemTable(table, context);
  if (statement.overwrite) throw fail('TRANSACTION_STATEMENT', { what: 'insert overwrite' });
  if (statement.label !== null) {
    throw analysisError('INSERT has the label of its transaction: BEGIN WITH LABEL names it');
  }
  if (statement.partitions?.temporary === true && replacingKeys(table.schema) !== null) {
    throw fail('NOT_SUPPORTED', {
      what: `temporary partitions of ${table.name}, which has keys, in a transaction`,
      hint: 'insert into them without BEGIN',
    });
  }
  const plan = await planInsert(statement, table, context);
  return await load(transaction, { kind: 'insert', table, plan, signal: context.signal }, context);
}

/**
 * UPDATE and DELETE as part of the transaction: rows by their keys, which take effect in its order when it commits.
 * The table of a statement that was checked as it is without a transaction.
 */
async function changeInTransaction(
  transaction: SqlTransaction,
  statement: ChangeStatement,
  table: TableInfo,
  context: StatementContext,
): Promise<Outcome> {
  const { kind } = statement;
  if (table.schema.keysType !== 'PRIMARY_KEYS') {
    throw fail('NOT_SUPPORTED', {
      what: `${kind.toUpperCase()} of ${table.name}, which has no primary key, in a transaction`,
      hint: 'COMMIT or ROLLBACK first',
    });
  }
  const plan = await planInsert(asInsert(statement, table, context), table, context, {
    wholeRows: true,
  });
  return await load(transaction, { kind, table, plan, signal: context.signal }, context);
}

async function load(
  transaction: SqlTransaction,
  request: SqlLoad,
  { services }: StatementContext,
): Promise<Outcome> {
  const { tables, rowsLoaded, ...filtered } = await services.transactions.load(
    transaction,
    request,
  );
  // A join may change one row several times; rows of an INSERT count as they came.
  const target = tables.find(({ tableId }) => tableId === request.table.id);
  const twice = request.kind === 'insert' ? 0 : (target?.keyed?.replacedRows ?? 0);
  return transactionOutcome(transaction, 'PREPARE', {
    affectedRows: rowsLoaded - twice,
    ...filteredWarnings(filtered),
  });
}

/** The rows that a change makes, as an INSERT of whole rows, or of keys that go. */
function asInsert(
  statement: ChangeStatement,
  { schema }: TableInfo,
  { session }: StatementContext,
): Pick<Insert, 'columns' | 'byName' | 'overwrite' | 'properties' | 'query'> {
  const { pos, table } = statement;
  const { database } = tableName(table, session);
  const own = (column: string) => ({
    pos,
    qualifier: [],
    column,
    value: ownColumn(statement, column),
  });
  const items =
    statement.kind === 'delete'
      ? [
          ...schema.columns.filter(({ isKey }) => isKey).map(({ name }) => own(name)),
          { ...own(OPERATION_COLUMN.name), value: { kind: 'integer', pos, text: '1' } as const },
        ]
      : schema.columns
          .filter(({ generated }) => generated === undefined)
          .map(({ name }) => {
            const set = statement.assignments.find(
              ({ column }) => column.toLowerCase() === name.toLowerCase(),
            );
            return set === undefined ? own(name) : { ...set, column: name };
          })
          // Columns that are not named get their default.
          .filter(({ value }) => value.kind !== 'default');
  return {
    columns: items.map(({ column }) => ({ pos, name: column })),
    byName: false,
    overwrite: false,
    properties: [],
    query: changedRowsQuery(statement, database, items),
  };
}
