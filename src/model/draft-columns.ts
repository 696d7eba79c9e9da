// The columns of rows that were staged before, as their table calls them now: between staging and commit columns may be
// renamed, dropped and made anew. Values stay with their columns.
import { fail } from '../base/errors.ts';
import type { FieldId } from '../base/ids.ts';
import type { DraftRows, StagedTable } from './load-plan.ts';
import type { TableSchema } from './table.ts';

/** A staged table as it is to be read under the schema of today. Throws CONDITION_COLUMN_GONE. */
export function underSchema(staged: StagedTable, schema: TableSchema): StagedTable {
  const { keyed } = staged;
  if (keyed === undefined) return staged;
  const { draft, steps } = keyed;
  return {
    ...staged,
    keyed: {
      ...keyed,
      ...(draft === undefined ? {} : { draft: draftUnder(draft, schema) }),
      ...(steps === undefined ? {} : { steps: steps.map((step) => underSchema(step, schema)) }),
    },
  };
}

function draftUnder(draft: DraftRows, { columns }: TableSchema): DraftRows {
  const { fieldIds, given, rule } = draft;
  // As they were staged: nothing else is known of them.
  if (fieldIds === undefined) return draft;
  const nameOf = (fieldId: FieldId | undefined): string | null =>
    columns.find((column) => column.fieldId === fieldId)?.name ?? null;
  const { condition, generated = [] } = rule;
  const decides = condition === null ? null : nameOf(fieldIds[given.indexOf(condition)]);
  if (condition !== null && decides === null) {
    throw fail('CONDITION_COLUMN_GONE', { column: condition });
  }
  const left = fieldIds.map(nameOf);
  const made = generated.flatMap((one) => {
    const column = nameOf(one.fieldId);
    return column === null ? [] : [{ ...one, column }];
  });
  return {
    ...draft,
    given: left.filter((name) => name !== null),
    fieldIds: fieldIds.filter((_, index) => left[index] !== null),
    rule: {
      ...rule,
      condition: decides,
      ...(rule.generated === undefined ? {} : { generated: made }),
    },
  };
}
