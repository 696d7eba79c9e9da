// Histories of one table: steps as plain data, so that a failing history can be made shorter. What they do
// and to which state they lead is the player's (history-player.ts).
import fc from 'fast-check';

const KEYS = 6;
const PLACES = 4;

const key = fc.nat(KEYS - 1);
const place = fc.nat(PLACES - 1);
const number = fc.option(fc.nat(9), { freq: 8 });
const text = fc.option(fc.constantFrom('a', 'b', 'c'), { freq: 6 });

const row = fc.record({ k: key, p: place, v: number, s: text });
const rows = fc.array(row, { minLength: 1, maxLength: 5 });
const message = fc.record({ k: key, p: place, v: fc.nat(9), isDelete: fc.boolean() });
const messages = fc.array(message, { minLength: 1, maxLength: 6 });

/** A condition that SQL and the model say alike. */
export type Where =
  | { readonly kind: 'key'; readonly k: number }
  | { readonly kind: 'upto'; readonly k: number }
  | { readonly kind: 'value'; readonly v: number }
  | { readonly kind: 'place'; readonly p: number };
const where: fc.Arbitrary<Where> = fc.oneof(
  fc.record({ kind: fc.constant('key'), k: key }),
  fc.record({ kind: fc.constant('upto'), k: key }),
  fc.record({ kind: fc.constant('value'), v: fc.nat(9) }),
  fc.record({ kind: fc.constant('place'), p: place }),
);

export type RowData = { k: number; p: number; v: number | null; s: string | null };

/** A statement that changes rows; a load may come in beside it. */
export type RowStatement =
  | { readonly kind: 'insert'; readonly rows: readonly RowData[] }
  | { readonly kind: 'insert_some'; readonly rows: readonly RowData[] }
  | { readonly kind: 'insert_ops'; readonly rows: readonly RowData[]; readonly deleted: number }
  | { readonly kind: 'insert_select'; readonly k: number }
  | { readonly kind: 'update_add'; readonly where: Where; readonly n: number }
  | { readonly kind: 'update_text'; readonly where: Where; readonly s: string | null }
  | { readonly kind: 'delete'; readonly where: Where };

const rowStatement: fc.Arbitrary<RowStatement> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('insert'), rows }) },
  fc.record({ kind: fc.constant('insert_some'), rows }),
  fc.record({ kind: fc.constant('insert_ops'), rows, deleted: fc.nat(31) }),
  fc.record({ kind: fc.constant('insert_select'), k: key }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('update_add'), where, n: fc.nat(9) }) },
  fc.record({ kind: fc.constant('update_text'), where, s: text }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete'), where }) },
);

export type MessageData = { k: number; p: number; v: number; isDelete: boolean };

/** A statement of one line. */
export type Statement =
  | RowStatement
  | { readonly kind: 'overwrite'; readonly rows: readonly RowData[] }
  | { readonly kind: 'overwrite_place'; readonly rows: readonly RowData[]; readonly p: number }
  | { readonly kind: 'truncate' }
  | { readonly kind: 'truncate_place'; readonly p: number }
  | { readonly kind: 'add_column'; readonly isText: boolean; readonly initial: number | null }
  | { readonly kind: 'drop_column'; readonly at: number }
  | { readonly kind: 'rename_column'; readonly at: number }
  | { readonly kind: 'widen' }
  | { readonly kind: 'add_place' }
  | { readonly kind: 'drop_place'; readonly p: number }
  | { readonly kind: 'alter_compact' }
  | { readonly kind: 'rollback'; readonly at: number };

/** Those that a load or a compaction may meet. */
const beside: fc.Arbitrary<Statement> = fc.oneof(
  { weight: 12, arbitrary: rowStatement },
  fc.record({ kind: fc.constant('overwrite'), rows }),
  fc.record({ kind: fc.constant('truncate') }),
  fc.record({
    kind: fc.constant('add_column'),
    isText: fc.boolean(),
    initial: fc.option(fc.nat(9)),
  }),
  fc.record({ kind: fc.constant('drop_column'), at: fc.nat(9) }),
  fc.record({ kind: fc.constant('rename_column'), at: fc.nat(9) }),
  fc.record({ kind: fc.constant('widen') }),
  fc.record({ kind: fc.constant('add_place') }),
  fc.record({ kind: fc.constant('alter_compact') }),
  fc.record({ kind: fc.constant('rollback'), at: fc.nat(9) }),
);

const statement: fc.Arbitrary<Statement> = fc.oneof(
  { weight: 5, arbitrary: beside },
  fc.record({ kind: fc.constant('overwrite_place'), rows, p: place }),
  fc.record({ kind: fc.constant('truncate_place'), p: place }),
  fc.record({ kind: fc.constant('drop_place'), p: place }),
);

export type Step =
  | Statement
  | { readonly kind: 'refused' }
  | { readonly kind: 'both'; readonly one: RowStatement; readonly other: RowStatement }
  | { readonly kind: 'compact'; readonly mask: number; readonly beside: Statement | null }
  | { readonly kind: 'travel'; readonly at: number }
  | { readonly kind: 'drop_recover' }
  | {
      readonly kind: 'load';
      readonly messages: readonly MessageData[];
      readonly beside: Statement | null;
    };

export type Trouble =
  | { readonly kind: 'lose'; readonly method: string; readonly part: 'call' | 'answer' }
  /** Nothing is lost, it takes a while: what else goes on comes in between. */
  | {
      readonly kind: 'slow';
      readonly method: string;
      readonly part: 'call' | 'answer';
      readonly ms: number;
    }
  | { readonly kind: 'fail'; readonly point: string }
  | { readonly kind: 'crash' | 'kill_loader' | 'kill_query'; readonly turns: number };

export interface Act {
  readonly step: Step;
  readonly trouble: Trouble | null;
  /** Somebody reads meanwhile. */
  readonly isRead: boolean;
}

const METHODS = [
  'insert',
  'change',
  'resolve',
  'query',
  'begin',
  'commit',
  'compact',
  'carryDeletes',
  'reserveIds',
  'startTask',
  'transactionState',
];
const POINTS = [
  'begin.after-sql',
  'commit.before-sql',
  'commit.in-sql',
  'commit.after-sql',
  'insert.before-sql',
  'insert.in-sql',
  'insert.after-sql',
  'insert.before-commit',
  'insert.after-copy',
  'resolve.before-commit',
  'compaction.before-commit',
  'compaction.in-sql',
  'compaction.after-sql',
  'schedule.after-grant',
];

const kill: fc.Arbitrary<Trouble> = fc.record({
  kind: fc.constantFrom('crash', 'crash', 'kill_loader', 'kill_query'),
  turns: fc.nat(40),
});

const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('slow'),
      method: fc.constantFrom(...METHODS),
      part: fc.constantFrom('call', 'answer'),
      ms: fc.integer({ min: 5, max: 60 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('lose'),
      method: fc.constantFrom(...METHODS),
      part: fc.constantFrom('call', 'answer'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('fail'), point: fc.constantFrom(...POINTS) }),
  },
  { weight: 1, arbitrary: kill },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: statement },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('load'),
      messages,
      beside: fc.option(beside, { freq: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('compact'),
      mask: fc.nat(255),
      beside: fc.option(beside, { freq: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('both'), one: rowStatement, other: rowStatement }),
  },
  fc.record({ kind: fc.constant('refused') }),
  fc.record({ kind: fc.constant('travel'), at: fc.nat(9) }),
  fc.record({ kind: fc.constant('drop_recover') }),
);

export type Partitions = 'none' | 'range' | 'list';

export interface History {
  readonly partitions: Partitions;
  /** Loads of tables with keys keep columns that they do not give. */
  readonly isPartial: boolean;
  /** Loads of tables with keys take only rows whose v is not smaller. */
  readonly isMerged: boolean;
  /** The table counts its rows (AUTO_INCREMENT). */
  readonly isCounted: boolean;
  readonly acts: readonly Act[];
}

/** Random histories of up to so many steps; with `onlyKills` nothing gets lost, processes die. */
export function histories(
  steps: number,
  {
    onlyKills = false,
    fewest = 1,
  }: { readonly onlyKills?: boolean; readonly fewest?: number } = {},
): fc.Arbitrary<History> {
  const kinds = onlyKills ? kill : trouble;
  const act: fc.Arbitrary<Act> = fc.record({
    step,
    trouble: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 2, arbitrary: kinds }),
    isRead: fc.boolean(),
  });
  return fc.record({
    partitions: fc.constantFrom('none', 'range', 'list'),
    isPartial: fc.boolean(),
    isMerged: fc.boolean(),
    isCounted: fc.boolean(),
    acts: fc.array(act, { minLength: fewest, maxLength: steps }),
  });
}
