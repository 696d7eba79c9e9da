// Rows that were staged before, under the columns that their table has now.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asId, type FieldId, type TableId, type VolumeId } from '../../../src/base/ids.ts';
import { underSchema } from '../../../src/model/draft-columns.ts';
import type { DraftRows, StagedTable } from '../../../src/model/load-plan.ts';
import type { TableSchema } from '../../../src/model/table.ts';

const id = (value: number): FieldId => asId<FieldId>(value);

const schemaOf = (names: Readonly<Record<string, number>>) =>
  ({
    columns: Object.entries(names).map(([name, fieldId]) => ({ name, fieldId: id(fieldId) })),
  }) as unknown as TableSchema;

const DRAFT: DraftRows = {
  file: {
    volumeId: asId<VolumeId>(1),
    key: 'x',
    sizeBytes: 1,
    rowCount: 1,
    columnStats: {},
  },
  rule: {
    partial: true,
    condition: 'v',
    timeZone: 'UTC',
    generated: [{ column: 'g', fieldId: id(4), duckdbSql: '"v" + 1', from: ['v'] }],
  },
  given: ['k', 'v'],
  fieldIds: [id(1), id(2)],
};

const staged = (draft: DraftRows): StagedTable => ({
  tableId: asId<TableId>(1),
  files: [],
  keyed: { deletes: null, replacedRows: 0, draft },
});

const draftOf = (table: StagedTable): DraftRows | undefined => table.keyed?.draft;

test('columns have the names of today, also where names were swapped; those that are gone are left out', () => {
  const swapped = draftOf(underSchema(staged(DRAFT), schemaOf({ k: 1, w: 2, v: 3, g2: 4 })));
  assert.deepEqual(swapped?.given, ['k', 'w']);
  assert.equal(swapped?.rule.condition, 'w');
  assert.equal(swapped?.rule.generated?.[0]?.column, 'g2');
  const { condition: _, ...rule } = DRAFT.rule;
  const free = staged({ ...DRAFT, rule: { ...rule, condition: null } });
  const dropped = draftOf(underSchema(free, schemaOf({ k: 1, v: 9 })));
  assert.deepEqual(dropped?.given, ['k']);
  assert.deepEqual(dropped?.fieldIds, [id(1)]);
  assert.deepEqual(dropped?.rule.generated, []);
});

test('a condition whose column is gone cannot be kept', () => {
  const gone = (): unknown => underSchema(staged(DRAFT), schemaOf({ k: 1, v: 9, g: 4 }));
  assert.throws(gone, { code: 'CONDITION_COLUMN_GONE' });
});

test('batches of several ways, and what an older version staged', () => {
  const { fieldIds: _, ...old } = DRAFT;
  const steps = [staged(DRAFT), staged(old)];
  const table = { ...staged(DRAFT), keyed: { deletes: null, replacedRows: 0, steps } };
  const read = underSchema(table, schemaOf({ k: 1, x: 2, g: 4 }));
  assert.deepEqual(
    read.keyed?.steps?.map((step) => draftOf(step)?.given),
    [
      ['k', 'x'],
      ['k', 'v'],
    ],
  );
});
