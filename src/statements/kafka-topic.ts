// DESC KAFKA (...), and the columns of CREATE TABLE ... FROM KAFKA TOPIC: what the messages of a topic ask for. A field
// that no column can be made of is left out, and said so.
import { toAppError } from '../base/errors.ts';
import { analysisError } from '../loads/properties.ts';
import { type InferredField, type InferredTopic, inferTopic } from '../loads/sample/infer.ts';
import { readSampleProperties } from '../loads/sample/properties.ts';
import { printSqlType } from '../model/sql-type.ts';
import type { ColumnDefinition, CreateTable } from '../sql/ast/ddl.ts';
import type { Identifier, Property } from '../sql/ast/node.ts';
import { printCreateTable } from '../sql/print-ddl.ts';
import { checkColumnType } from './column-types.ts';
import { databaseOrCurrent } from './databases.ts';
import { checkName } from './names.ts';
import { propertyMap } from './properties.ts';
import { newTable } from './table-definition.ts';
import { tableName } from './tables.ts';
import { type Handler, type StatementContext, textRows } from './types.ts';
import { variableText } from './variables.ts';

/** A field of the topic, or why it can be no column; keys first. */
interface Column extends InferredField {
  readonly isKey: boolean;
  /** For people; '' = nothing to say. */
  readonly remark: string;
  readonly isLeftOut: boolean;
}

const COLUMNS = ['Field', 'Type', 'Null', 'Key', 'Seen', 'Example', 'Remark'];
/** Name that means an operation in messages for tables with keys. */
const OPERATION = '__op';

export const describeKafka: Handler<'describe_kafka'> = async ({ properties }, context) => {
  const database = databaseOrCurrent(null, context.session);
  const topic = await inferred(properties, null, database, context);
  const rows = columnsOf(topic).map((column) => [
    column.name,
    printSqlType(column.type),
    column.isKey ? 'NO' : 'YES',
    column.isKey ? 'PRI' : '',
    `${column.seen} of ${topic.rows}`,
    column.example,
    column.remark,
  ]);
  return textRows(COLUMNS, rows);
};

/** The statement with its columns, and what the user should know. Throws SQL_ANALYZE and what inferTopic throws. */
export async function topicTable(
  statement: CreateTable,
  context: StatementContext,
): Promise<{ readonly statement: CreateTable; readonly remarks: readonly string[] }> {
  const { topic: source, ...plain } = statement;
  if (source === undefined) return { statement, remarks: [] };
  const { database } = tableName(statement.name, context.session);
  const topic = await inferred(source.properties, source.name, database, context);
  const all = chosen(columnsOf(topic), topic.byPlace, statement);
  const fields = all.filter(({ isLeftOut }) => !isLeftOut);
  const keys = statement.keys ?? primaryKey(fields, source);
  const names = keys?.columns.map(({ name }) => name.toLowerCase()) ?? [];
  const place = (field: Column): number => {
    const index = names.indexOf(field.name.toLowerCase());
    return index < 0 ? names.length : index;
  };
  const columns = fields
    .toSorted((a, b) => place(a) - place(b))
    .map((field) => definitionOf(field, source, names));
  const remarks = all.filter(({ remark }) => remark !== '').map(remarkOf);
  if (keys?.type === 'PRIMARY') {
    for (const { name, seen } of fields) {
      if (!names.includes(name.toLowerCase()) || seen === topic.rows) continue;
      remarks.push(
        `${name} is part of the key, and ${topic.rows - seen} of ${topic.rows} rows have none`,
      );
    }
  }
  const { count, reason } = topic.unread;
  if (count > 0) remarks.push(`${count} of the samples could not be read: ${reason}`);
  return { statement: { ...plain, columns, columnNames: [], keys }, remarks };
}

/** With `(a, b)` behind the table's name: those fields alone; of CSV, whose fields have places only, the names of all. */
function chosen(
  columns: readonly Column[],
  byPlace: boolean,
  { columnNames }: CreateTable,
): readonly Column[] {
  if (columnNames.length === 0) return columns;
  if (byPlace && columnNames.length !== columns.length) {
    throw analysisError(
      `Number of column names(${columnNames.length}) doesn't match the topic's fields(${columns.length})`,
    );
  }
  return columnNames.map(({ name }, index) => {
    const found = byPlace ? columns[index] : columns.find((column) => column.name === name);
    if (found === undefined) throw analysisError(`field '${name}' is in none of the samples`);
    return { ...found, name };
  });
}

/** The statement that CREATE TABLE ... FROM KAFKA TOPIC would run; remarks as comments in front of it. */
export async function explainTopicTable(
  statement: CreateTable,
  context: StatementContext,
): Promise<readonly string[]> {
  const made = await topicTable(statement, context);
  newTable(made.statement, tableName(statement.name, context.session).database);
  const text = printCreateTable(made.statement, ['\n  ', ',\n  ', '\n']);
  return [...made.remarks.map((remark) => `-- ${remark}`), ...text.split('\n')];
}

function inferred(
  properties: readonly Property[],
  topic: string | null,
  database: string,
  { session, services, signal }: StatementContext,
): Promise<InferredTopic> {
  const timeZone = variableText('time_zone', 'session', session, services.globals) ?? 'Etc/UTC';
  const request = readSampleProperties(propertyMap(properties), topic, timeZone);
  const { catalog, clock, sampleTopic: sample } = services;
  const pause = (): Promise<void> => clock.sleep(0, signal);
  return inferTopic(request, database, { catalog, sample, pause }, signal);
}

/** Keys first, in the order of the key. */
function columnsOf({ fields, keys }: InferredTopic): readonly Column[] {
  const seen = new Set<string>();
  const columns = fields.map((field): Column => {
    const problem = problemOf(field, seen);
    if (problem === null) seen.add(field.name.toLowerCase());
    const guess = field.isUnknown ? 'only NULL was seen: the type is a guess' : '';
    return {
      ...field,
      isKey: problem === null && keys.includes(field.name),
      isLeftOut: problem !== null,
      remark: problem ?? guess,
    };
  });
  const place = ({ name }: Column): number => {
    const index = keys.indexOf(name);
    return index < 0 ? keys.length : index;
  };
  return columns.toSorted((a, b) => place(a) - place(b));
}

/** Why a field can be no column; null when it can. */
function problemOf({ name, type }: InferredField, seen: ReadonlySet<string>): string | null {
  if (name.toLowerCase() === OPERATION) return 'no column: it says what becomes of a row';
  if (seen.has(name.toLowerCase()))
    return 'no column: it differs from another one only in upper and lower case';
  try {
    checkName('column', name);
    checkColumnType(name, type);
    return null;
  } catch (thrown) {
    return `no column: ${String(toAppError(thrown).fields['detail'] ?? toAppError(thrown).message)}`;
  }
}

function remarkOf({ name, remark }: Column): string {
  return `field ${JSON.stringify(name)}: ${remark}`;
}

/** Of change events: the key of their table. Null for others. */
function primaryKey(
  fields: readonly Column[],
  { pos, properties }: NonNullable<CreateTable['topic']>,
): CreateTable['keys'] {
  const keys = fields.filter(({ isKey }) => isKey);
  if (keys.length > 0) {
    const columns = keys.map(({ name }): Identifier => ({ pos, name }));
    return { type: 'PRIMARY', columns };
  }
  const isEvents = properties.some(({ key }) => key.toLowerCase() === 'envelope');
  if (!isEvents) return null;
  throw analysisError(
    'change events need a PRIMARY KEY table, and the messages do not say what their key is: write PRIMARY KEY (...) in front of FROM',
  );
}

function definitionOf(
  { name, type }: Column,
  { pos }: NonNullable<CreateTable['topic']>,
  keys: readonly string[],
): ColumnDefinition {
  return {
    pos,
    name,
    type,
    isKey: false,
    aggregate: null,
    // What was never NULL in the samples may be so in the next message.
    nullable: keys.includes(name.toLowerCase()) ? null : true,
    defaultValue: null,
    autoIncrement: false,
    generated: null,
    comment: null,
  };
}
