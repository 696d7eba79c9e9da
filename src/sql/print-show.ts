// Printing of SHOW and DESC statements.
import type { ShowFilter, ShowOrder, ShowStatement } from './ast/show.ts';
import { printExpression, printLimit, printOrderBy } from './print.ts';
import { printDatabase } from './print-ddl.ts';
import { printIdentifier, printName, printString, words } from './print-text.ts';

/** SHOW or DESC as SQL. */
export function printShow(statement: ShowStatement): string {
  switch (statement.kind) {
    case 'show_create_database':
      return `SHOW CREATE DATABASE ${printDatabase(statement.name)}`;
    case 'show_create_table':
      return `SHOW CREATE ${statement.type} ${printName(statement.name)}`;
    case 'describe_table':
      return words('DESC', printName(statement.name), statement.all && 'ALL');
    case 'show_columns':
      return words(
        'SHOW',
        statement.full && 'FULL',
        `COLUMNS FROM ${printName(statement.table)}`,
        printFilter(statement),
      );
    case 'show_index':
      return `SHOW INDEX FROM ${printName(statement.table)}`;
    case 'show_warnings':
      return words('SHOW', statement.count && 'COUNT(*)', 'WARNINGS', printLimit(statement.limit));
    case 'show_errors':
      return words('SHOW', statement.count && 'COUNT(*)', 'ERRORS', printLimit(statement.limit));
    case 'show_partitions':
      return words(
        'SHOW',
        statement.temporary && 'TEMPORARY',
        `PARTITIONS FROM ${printName(statement.table)}`,
        printFilter(statement),
        printOrder(statement),
      );
    case 'show_snapshots':
      return words(
        `SHOW SNAPSHOTS FROM ${printName(statement.table)}`,
        printFilter(statement),
        printOrder(statement),
      );
    case 'show_tablet':
      return words(
        `SHOW TABLET FROM ${printName(statement.table)}`,
        printFilter(statement),
        printOrder(statement),
      );
    case 'show_stream_load':
      return words(
        statement.all ? 'SHOW ALL STREAM LOAD' : 'SHOW STREAM LOAD',
        statement.label !== null && `FOR ${printIdentifier(statement.label)}`,
        statement.database !== null && `FROM ${printDatabase(statement.database)}`,
        printFilter(statement),
        printOrder(statement),
      );
    case 'show_data':
      return words('SHOW DATA', statement.table !== null && `FROM ${printName(statement.table)}`);
    case 'show_create_catalog':
      return `SHOW CREATE CATALOG ${printIdentifier(statement.name)}`;
    case 'show_processlist':
      return words('SHOW', statement.full && 'FULL', 'PROCESSLIST');
    case 'show_proc':
      return `SHOW PROC ${printString(statement.path)}`;
    case 'admin_show_config':
      return words(
        'ADMIN SHOW FRONTEND CONFIG',
        statement.like !== null && `LIKE ${printString(statement.like)}`,
      );
    default:
      return printFiltered(statement);
  }
}

type Filtered = Extract<
  ShowStatement,
  {
    kind:
      | 'show_databases'
      | 'show_tables'
      | 'show_table_status'
      | 'show_variables'
      | 'show_status'
      | 'show_list';
  }
>;

function printFiltered(statement: Filtered): string {
  const order = statement.kind === 'show_list' ? printOrder(statement) : '';
  return words('SHOW', printWhat(statement), printFilter(statement), order);
}

function printOrder({ orderBy, limit }: ShowOrder): string {
  return words(printOrderBy(orderBy), printLimit(limit));
}

function printWhat(statement: Filtered): string {
  switch (statement.kind) {
    case 'show_databases':
      return words(
        'DATABASES',
        statement.catalog !== null &&
          `FROM ${printDatabase({ pos: statement.pos, catalog: null, name: statement.catalog })}`,
      );
    case 'show_variables':
      return words(statement.verbose && 'VERBOSE', statement.scope, 'VARIABLES');
    case 'show_status':
      return words(statement.scope, 'STATUS');
    case 'show_tables':
      return words(
        statement.temporary && 'TEMPORARY',
        statement.full && 'FULL',
        'TABLES',
        printFrom(statement),
      );
    case 'show_table_status':
      return words('TABLE STATUS', printFrom(statement));
    case 'show_list':
      return words(statement.what, printFrom(statement));
  }
}

function printFrom({
  database,
}: Extract<Filtered, { kind: 'show_tables' | 'show_list' | 'show_table_status' }>): string {
  return database === null ? '' : `FROM ${printDatabase(database)}`;
}

/** `LIKE 'p'` or `WHERE expr`, '' for neither. */
export function printFilter({ like, where }: ShowFilter): string {
  if (like !== null) return `LIKE ${printString(like)}`;
  return where === null ? '' : `WHERE ${printExpression(where)}`;
}
