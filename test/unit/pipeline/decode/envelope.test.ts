// Change events against a model: whatever a source table went through, applying the lines of its events in
// order gives what it had in the end, for each kind of envelope.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EnvelopeKind } from '../../../../src/model/load-plan.ts';
import { EnvelopePacker, jsonText } from '../../../../src/pipeline/decode/envelope-pack.ts';
import { PackedBatch } from '../../../../src/pipeline/decode/packed-batch.ts';
import { makeBatch, makeRun } from '../../../support/pipeline-fixture.ts';

interface Row {
  readonly id: number;
  readonly text: string | null;
}

type Change =
  | { readonly kind: 'put'; readonly row: Row }
  | { readonly kind: 'move'; readonly id: number; readonly row: Row }
  | { readonly kind: 'drop'; readonly id: number }
  | { readonly kind: 'truncate' };

interface Step {
  readonly before: Row | null;
  readonly after: Row | null;
}

/** The lines of the messages, and how many were passed over and rejected. */
function linesOf(kind: EnvelopeKind, messages: readonly (string | null)[]) {
  const chunks: Buffer[] = [];
  const file = {
    path: '',
    write: (bytes: Uint8Array) => void chunks.push(Buffer.from(bytes)),
    restart: () => undefined,
    finish: () => undefined,
    close: () => undefined,
  };
  const packed = new PackedBatch(makeBatch([makeRun(messages)]), file, PackedBatch.newBuffer());
  const told: string[] = [];
  new EnvelopePacker({
    kind,
    text: jsonText(1 << 20),
    keys: ['id'],
    forms: null,
    exactNumberKeys: null,
    zone: () => 0,
    onPassed: (reason) => told.push(reason),
  }).pack(packed);
  const lines = Buffer.concat(chunks).toString().split('\n').slice(0, -1);
  assert.equal(lines.length, packed.lineCount);
  return { lines, passed: packed.passed.get(0) ?? 0, rejects: packed.rejects, told };
}

/** The table after the lines: a PRIMARY KEY table takes them in order. */
function applied(lines: readonly string[]): Map<number, string | null> {
  const table = new Map<number, string | null>();
  for (const line of lines) {
    const row = JSON.parse(line) as { __op: number; id: string | number; text: string | null };
    if (row.__op === 1) table.delete(Number(row.id));
    else table.set(Number(row.id), row.text);
  }
  return table;
}

/** What a source does for the changes, and what it has then. */
function run(changes: readonly Change[]): { steps: Step[]; table: Map<number, string | null> } {
  const table = new Map<number, string | null>();
  const steps: Step[] = [];
  const of = (id: number): Row | null => {
    const text = table.get(id);
    return text === undefined ? null : { id, text };
  };
  for (const change of changes) {
    if (change.kind === 'put') {
      steps.push({ before: of(change.row.id), after: change.row });
      table.set(change.row.id, change.row.text);
    } else if (change.kind === 'drop') {
      const before = of(change.id);
      if (before === null) continue;
      steps.push({ before, after: null });
      table.delete(change.id);
    } else if (change.kind === 'move') {
      const before = of(change.id);
      if (before === null || table.has(change.row.id)) continue;
      steps.push({ before, after: change.row });
      table.delete(change.id);
      table.set(change.row.id, change.row.text);
    } else steps.push({ before: null, after: null });
  }
  return { steps, table };
}

/** Columns whose values changed, as they were. */
function changed(before: Row, after: Row): Record<string, unknown> {
  return {
    ...(before.id === after.id ? {} : { id: before.id }),
    ...(before.text === after.text ? {} : { text: before.text }),
  };
}

const MESSAGES: Readonly<Record<EnvelopeKind, (step: Step) => string>> = {
  debezium: ({ before, after }) => {
    const op = after === null ? (before === null ? 't' : 'd') : before === null ? 'c' : 'u';
    const payload = { before, after, op, source: { db: 'x' } };
    return JSON.stringify(before === null ? payload : { schema: { type: 'struct' }, payload });
  },
  canal: ({ before, after }) => {
    const text = (row: Row) => ({ id: String(row.id), text: row.text });
    const row = after ?? before;
    const type =
      row === null ? 'TRUNCATE' : after === null ? 'DELETE' : before === null ? 'INSERT' : 'UPDATE';
    const old = before === null || after === null ? null : [changed(before, after)];
    return JSON.stringify(
      { type, isDdl: row === null, data: row === null ? null : [text(row)], old },
      null,
      1,
    );
  },
  maxwell: ({ before, after }) => {
    const data = after ?? before;
    const type =
      data === null
        ? 'table-alter'
        : after === null
          ? 'delete'
          : before === null
            ? 'insert'
            : 'update';
    const old = before === null || after === null ? {} : { old: changed(before, after) };
    return JSON.stringify({ database: 'd', type, data: data ?? {}, ...old });
  },
};

const id = fc.nat(4);
const row = fc.record({ id, text: fc.option(fc.string({ unit: 'grapheme', maxLength: 8 })) });
const change: fc.Arbitrary<Change> = fc.oneof(
  row.map((one): Change => ({ kind: 'put', row: one })),
  fc.record({ id, row }).map((one): Change => ({ kind: 'move', ...one })),
  id.map((one): Change => ({ kind: 'drop', id: one })),
  fc.constant<Change>({ kind: 'truncate' }),
);

for (const kind of ['debezium', 'canal', 'maxwell'] as const)
  test(`${kind}: the lines of any history give what the source had`, () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const { steps, table } = run(changes);
        const messages = steps.flatMap((step): (string | null)[] => {
          const message = MESSAGES[kind](step);
          // Debezium sends a tombstone behind each delete.
          return step.after === null && kind === 'debezium' ? [message, null] : [message];
        });
        const { lines, passed, rejects } = linesOf(kind, messages);
        assert.deepEqual(rejects, []);
        assert.equal(
          passed,
          steps.filter(({ before, after }) => before === null && after === null).length,
        );
        const order = (entries: Map<number, string | null>) =>
          [...entries].sort(([a], [b]) => a - b);
        assert.deepEqual(order(applied(lines)), order(table));
      }),
      { numRuns: 300 },
    );
  });

test('each kind of message that is passed over is told once', () => {
  const { told, passed } = linesOf('debezium', [
    '{"op":"t"}',
    '{"op":"t"}',
    '{"ddl":"DROP TABLE x"}',
    '{"op":"m"}',
    ' ',
  ]);
  assert.equal(passed, 5);
  assert.equal(told.length, 4);
});
