// The format of a load's rows: what CSV, JSON and envelopes are read with. What only messages of a topic can be is in
// routine/format.ts.
import {
  type CsvFormatSpec,
  type EnvelopeKind,
  type JsonFormatSpec,
  RAW_FIELD,
} from '../../model/load-plan.ts';
import type { TableInfo } from '../../model/table.ts';
import { parseJsonPath } from '../../pipeline/transform/json-path.ts';
import { analysisError, type PropertyMap } from '../properties.ts';
import { type ColumnMapping, isSet, type RowDefinition } from './definition.ts';
import { parseEscapes } from './escapes.ts';
import { isMetadata } from './metadata.ts';

/** The property `format`, csv when it is absent. */
export function formatName({ properties }: Pick<RowDefinition, 'properties'>): string {
  return properties['format'] ?? 'csv';
}

/** Throws SQL_ANALYZE. SOURCE: StarRocks: an envelope needs format=json and excludes json_root and strip_outer_array. */
export function checkEnvelope(properties: PropertyMap, format: string): void {
  const { envelope } = properties;
  if (envelope === undefined) return;
  const isAvro = envelope === 'debezium' && format === 'avro';
  if (format !== 'json' && !isAvro)
    throw analysisError(
      `envelope=${envelope} needs format=json${envelope === 'debezium' ? ' or format=avro' : ''}`,
    );
  for (const key of ['json_root', 'strip_outer_array']) {
    const value = properties[key] ?? '';
    if (value !== '' && value !== 'false')
      throw analysisError(`envelope=${envelope} can not be used with ${key}`);
  }
}

/** The property `envelope` as checkProperties left it; null = messages are rows. */
export function envelopeKind({
  properties,
}: Pick<RowDefinition, 'properties'>): EnvelopeKind | null {
  switch (properties['envelope']) {
    case 'debezium':
    case 'canal':
    case 'maxwell':
      return properties['envelope'];
    default:
      return null;
  }
}

/** Throws SQL_ANALYZE, LOAD_JSONPATH. */
export function jsonFormatOf(definition: RowDefinition): JsonFormatSpec {
  const { properties } = definition;
  const envelope = envelopeKind(definition);
  return {
    kind: 'json',
    jsonpaths: readJsonpaths(properties['jsonpaths'] ?? ''),
    jsonRoot: properties['json_root'] ?? '',
    stripOuterArray: isSet(definition, 'strip_outer_array'),
    ...(envelope === null ? {} : { envelope }),
  };
}

/** Throws SQL_ANALYZE. */
export function csvFormatOf(definition: RowDefinition): CsvFormatSpec {
  const { properties } = definition;
  return {
    kind: 'csv',
    columnSeparator: parseEscapes(definition.columnSeparator ?? '\t'),
    rowDelimiter: parseEscapes(definition.rowDelimiter ?? '\n'),
    trimSpace: isSet(definition, 'trim_space'),
    enclose: (properties['enclose'] ?? '').slice(0, 1),
    escape: (properties['escape'] ?? '').slice(0, 1),
  };
}

/** The payload is the one field of COLUMNS, or the column `_value`. Throws SQL_ANALYZE. */
export function rawColumns(
  definition: RowDefinition,
  table: { readonly schema: Pick<TableInfo['schema'], 'columns'> },
): readonly ColumnMapping[] {
  const given = definition.columns;
  const hasColumn = table.schema.columns.some(({ name }) => name.toLowerCase() === RAW_FIELD);
  if (given === null && hasColumn) return [{ name: RAW_FIELD, expression: null }];
  const sources = given?.filter((entry) => entry.expression === null && !isMetadata(entry));
  if (given !== null && sources?.length === 1) return given;
  throw analysisError(
    `format raw has one source field, the payload: name a column ${RAW_FIELD}, or write COLUMNS (one_field, column = expression, ...)`,
  );
}

/** `["$.a","$.b"]` as a list; null when empty. Throws SQL_ANALYZE, LOAD_JSONPATH. */
export function readJsonpaths(text: string): readonly string[] | null {
  if (text.trim() === '') return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw analysisError(
      `Invalid json path: jsonpaths is not a JSON array of texts: ${error instanceof Error ? error.message : text}`,
    );
  }
  if (!Array.isArray(parsed) || parsed.length === 0) {
    throw analysisError(`Invalid json path: jsonpaths is not a JSON array of texts: ${text}`);
  }
  return parsed.map((path: unknown) => {
    if (typeof path !== 'string') {
      throw analysisError(`Invalid json path: ${JSON.stringify(path)} is not a text`);
    }
    checkPath(path);
    return path;
  });
}

export function checkPath(path: string): void {
  if (!path.startsWith('$'))
    throw analysisError(`Invalid json path: ${path} does not begin with $`);
  parseJsonPath(path);
}
