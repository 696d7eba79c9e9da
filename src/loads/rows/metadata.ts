// Metadata columns in COLUMNS and WHERE: which names they are, and which of them a job uses.
import { quoteIdentifier } from '../../model/duckdb-text.ts';
import type { LoadOutput } from '../../model/load-plan.ts';
import {
  METADATA_COLUMNS,
  METADATA_NAMES,
  type MetadataName,
  metadataNamed,
} from '../../model/message-metadata.ts';
import type { SqlType } from '../../model/sql-type.ts';
import type { TableInfo } from '../../model/table.ts';
import { analysisError } from '../properties.ts';
import type { ColumnMapping } from './definition.ts';

/** Is the entry of COLUMNS the metadata itself, and no field of the message? */
export function isMetadata({ name, expression }: ColumnMapping): boolean {
  return expression === null && metadataNamed(name) !== null;
}

/**
 * COLUMNS with the metadata that are columns of the table as expressions, and without those that are listed only to
 * be used.
 */
export function withMetadata(
  mapping: readonly ColumnMapping[],
  table: { readonly schema: Pick<TableInfo['schema'], 'columns'> },
): readonly ColumnMapping[] {
  const columns = new Set(table.schema.columns.map(({ name }) => name.toLowerCase()));
  return mapping.flatMap((entry): readonly ColumnMapping[] => {
    if (!isMetadata(entry)) return [entry];
    const lower = entry.name.toLowerCase();
    return columns.has(lower) ? [{ name: entry.name, expression: quoteName(lower) }] : [];
  });
}

/** As an expression of StarRocks' SQL. */
function quoteName(name: string): string {
  return `\`${name}\``;
}

/** Metadata that expressions can name: all but what a field of the message hides. */
export function metadataBeside(fields: readonly string[]): readonly MetadataName[] {
  return METADATA_NAMES.filter((name) => !fields.some((field) => field.toLowerCase() === name));
}

export const METADATA_TYPES: ReadonlyMap<string, SqlType> = new Map(
  Object.entries(METADATA_COLUMNS),
);

/** Those that the generated SQL names: `outputs`, and the texts of `others`. One too many costs time, nothing else. */
export function usedMetadata(
  names: readonly MetadataName[],
  outputs: readonly (LoadOutput | null)[],
  others: readonly string[],
): readonly MetadataName[] {
  const texts = outputs.flatMap((output) =>
    output?.from.kind === 'expression' ? [output.from.duckdbSql] : [],
  );
  texts.push(...others);
  return names.filter((name) => texts.some((sql) => sql.includes(quoteIdentifier(name))));
}

/** Metadata has no path. Throws SQL_ANALYZE where COLUMNS looks as if it had one. */
export function checkMetadataPaths(
  mapping: readonly ColumnMapping[],
  paths: readonly string[] | null,
): void {
  const listed = mapping.filter(isMetadata).map(({ name }) => name);
  const sources = mapping.filter(({ expression }) => expression === null);
  const fieldCount = sources.length - listed.length;
  if (paths === null || listed.length === 0 || paths.length <= fieldCount) return;
  throw analysisError(
    `jsonpaths has ${paths.length} paths for ${fieldCount} source fields: ${listed.join(', ')} is metadata of the message and has no path`,
  );
}
