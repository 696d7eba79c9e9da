// EXPLAIN: the plan as one column of text. ANALYZE runs the statement on the CN and shows what each operator took; of
// what changes a table nothing is kept.
import { fail } from '../base/errors.ts';
import { type ExplainDetail, explainQuery } from '../query/explain-query.ts';
import { planQuery } from '../query/plan-query.ts';
import type { ChangeStatement } from '../sql/ast/change.ts';
import type { Insert } from '../sql/ast/ddl.ts';
import type { Query } from '../sql/ast/query.ts';
import type { ExplainLevel } from '../sql/ast/session.ts';
import { checkedChangeQuery, explainChange } from './change.ts';
import { explainInsert } from './insert.ts';
import { explainTopicTable } from './kafka-topic.ts';
import { queryWithTables } from './query.ts';
import { type Handler, type Outcome, type StatementContext, textRows } from './types.ts';

/** SOURCE: StarRocks' name of the only column. */
const COLUMN = 'Explain String';

export const explain: Handler<'explain'> = async ({ level, statement }, context) => {
  const what = statement.kind;
  if (what === 'create_table' && statement.topic !== undefined && level === 'NORMAL')
    return linesOf(await explainTopicTable(statement, context));
  if (what !== 'query' && what !== 'insert' && what !== 'delete' && what !== 'update') {
    throw fail('NOT_SUPPORTED', {
      what: `EXPLAIN of the statement '${what.replaceAll('_', ' ')}'`,
      hint: 'it takes a query, INSERT, UPDATE, DELETE or CREATE TABLE ... FROM KAFKA TOPIC',
    });
  }
  if (level === 'ANALYZE') {
    if (statement.kind === 'query') return analyze(statement, context);
    return linesOf(await analyzed(statement, context));
  }
  const detail = detailOf(level);
  const query = await queryOf(statement, context);
  const sink =
    statement.kind === 'query'
      ? ['RESULT SINK']
      : ['OLAP TABLE SINK', `  TABLE: ${nameOf(statement.table)}`];
  const tables = await queryWithTables(query, context);
  const lines = explainQuery(tables.query, context.text, tables.context, detail, sink);
  return linesOf(lines);
};

function linesOf(lines: readonly string[]): Outcome {
  return textRows(
    [COLUMN],
    lines.map((line) => [line]),
  );
}

/** SOURCE: StarRocks: the transaction of a statement that EXPLAIN ANALYZE runs is aborted. */
function analyzed(
  statement: Insert | ChangeStatement,
  context: StatementContext,
): Promise<readonly string[]> {
  return statement.kind === 'insert'
    ? explainInsert(statement, context)
    : explainChange(statement, context);
}

async function queryOf(
  statement: Query | Insert | ChangeStatement,
  context: StatementContext,
): Promise<Query> {
  switch (statement.kind) {
    case 'query':
      return statement;
    case 'insert':
      return statement.query;
    case 'delete':
    case 'update':
      return await checkedChangeQuery(statement, context);
  }
}

function nameOf({ database, name }: { database: string | null; name: string }): string {
  return database === null ? name : `${database}.${name}`;
}

function detailOf(level: Exclude<ExplainLevel, 'ANALYZE'>): ExplainDetail {
  switch (level) {
    case 'NORMAL':
    case 'LOGICAL':
    case 'VERBOSE':
    case 'COSTS':
      return level;
    case 'CONTRIBUTION':
    case 'SCHEDULER':
      throw fail('NOT_SUPPORTED', {
        what: `EXPLAIN ${level}`,
        hint: 'use EXPLAIN, LOGICAL, VERBOSE, COSTS or ANALYZE',
      });
  }
}

async function analyze(
  query: Parameters<typeof queryWithTables>[0],
  context: StatementContext,
): Promise<Outcome> {
  const tables = await queryWithTables(query, context);
  const plan = planQuery(tables.query, context.text, tables.context);
  return {
    kind: 'query',
    plan: {
      ...plan,
      columns: [{ name: COLUMN, type: { kind: 'VARCHAR', length: 1_048_576 }, transport: 'text' }],
      profile: true,
    },
  };
}
