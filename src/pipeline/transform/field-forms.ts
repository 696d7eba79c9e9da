// How decoders of binary formats hand over the fields of a record: as JSON, or in a form that loses nothing
// on the way to its column. A VARBINARY column gets bytes (as base64), a column of whole numbers gets the number
// that a timestamp is stored as. Only where the field goes nowhere else.
import type { FieldForm } from '../../formats/avro/decode.ts';
import { quoteIdentifier } from '../../model/duckdb-text.ts';
import {
  envelopeOf,
  type FormatSpec,
  type LoadedTable,
  type LoadPlan,
  loadedTables,
} from '../../model/load-plan.ts';
import type { SqlType } from '../../model/sql-type.ts';
import { allOutputs } from './drop-code.ts';
import type { PathStep } from './json-path.ts';

/** Are the bytes of the format's messages no text, even where they happen to be valid UTF-8? */
export function isBinary(format: FormatSpec): boolean {
  switch (format.kind) {
    case 'avro':
    case 'protobuf':
      return true;
    case 'json':
    case 'csv':
    case 'raw':
    case 'file':
      return false;
  }
}

/** The rules by which texts of the format convert: those of JSON, but for CSV. */
export function valueStyle(format: FormatSpec): 'json' | 'csv' {
  return format.kind === 'csv' ? 'csv' : 'json';
}

/** The form of each top-level key; null = all of the record is wanted, as JSON. */
export function keyForms(
  plan: LoadPlan,
  fieldSteps: readonly (readonly PathStep[])[],
): ReadonlyMap<string, FieldForm> | null {
  const forms = new Map<string, FieldForm>();
  for (const [index, steps] of fieldSteps.entries()) {
    const first = steps[0];
    if (first?.kind !== 'key') return null;
    const name = plan.transform.fields[index] ?? '';
    const form = makesValues(plan.format) && steps.length === 1 ? formOf(plan, name) : 'json';
    const other = forms.get(first.key);
    forms.set(first.key, other === undefined || other === form ? form : 'json');
  }
  return forms;
}

/** Does a decoder of ours write the values? */
function makesValues(format: FormatSpec): boolean {
  return (
    isBinary(format) ||
    format.kind === 'raw' ||
    format.kind === 'file' ||
    envelopeOf(format) !== null
  );
}

function formOf(plan: LoadPlan, field: string): FieldForm {
  const outputs = allOutputs(plan);
  const quoted = quoteIdentifier(field);
  const isNamed =
    plan.routes?.duckdbSql.includes(quoted) === true ||
    plan.transform.unnest?.some(({ duckdbSql }) => duckdbSql.includes(quoted)) === true ||
    outputs.some(({ from }) => from.kind === 'expression' && from.duckdbSql.includes(quoted));
  const columns = outputs.filter(({ from }) => from.kind === 'field' && from.field === field);
  // WHERE sees the column in the field's place where the column has its name.
  const isHidden = ({ transform }: LoadedTable): boolean =>
    transform.outputs.some(
      ({ column, from }) =>
        from.kind === 'field' &&
        from.field === field &&
        column.name.toLowerCase() === field.toLowerCase(),
    );
  const isFiltered = loadedTables(plan).some(
    (table) => table.transform.whereSql?.includes(quoted) === true && !isHidden(table),
  );
  if (isNamed || isFiltered || columns.length === 0) return 'json';
  const [form, ...others] = columns.map(({ column }) => formFor(column.type));
  return others.every((other) => other === form) ? (form ?? 'json') : 'json';
}

function formFor(type: SqlType): FieldForm {
  switch (type.kind) {
    case 'VARBINARY':
      return 'base64';
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT':
      return 'number';
    default:
      return 'json';
  }
}

/** Names of the top-level keys that the key columns of the tables come from. */
export function keyFields(
  plan: LoadPlan,
  fieldSteps: readonly (readonly PathStep[])[],
): readonly string[] {
  const found = loadedTables(plan).flatMap(({ target: { keys }, transform }) =>
    transform.outputs.flatMap(({ column, from }) => {
      if (keys?.includes(column.name) !== true || from.kind !== 'field') return [];
      const steps = fieldSteps[transform.fields.indexOf(from.field)];
      const [first] = steps ?? [];
      return steps?.length === 1 && first?.kind === 'key' ? [first.key] : [];
    }),
  );
  return [...new Set(found)];
}
