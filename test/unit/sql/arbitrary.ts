// Test support: random trees of every expression and query kind, as the parser could have made them.
import fc from 'fast-check';
import type { SqlType } from '../../../src/model/sql-type.ts';
import type { Expression, FunctionCall } from '../../../src/sql/ast/expression.ts';
import type { Identifier } from '../../../src/sql/ast/node.ts';
import type { Query, Relation } from '../../../src/sql/ast/query.ts';
import { KEYWORDS } from '../../../src/sql/keywords.ts';

export const pos = { start: 0, line: 1, column: 0 };
const at = { pos };

/** Names: plain, every keyword in lower case, and anything else that only backticks can hold. */
export const name: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('a', 'b', 'c1', '_x', 'Größe', 'x', 'X'),
  fc.constantFrom(...KEYWORDS.keys()).map((word) => word.toLowerCase()),
  fc.string({ minLength: 1, maxLength: 6 }),
  fc.constantFrom('a`b', "it's", '2024_logs', '1e5', 'a b', 'a.b', '-', '5'),
);

export const identifier: fc.Arbitrary<Identifier> = name.map((text) => ({ ...at, name: text }));

const lowerName = name
  .map((text) => text.toLowerCase())
  .filter((text) => text === text.toLowerCase() && !/^substr(ing)?$/.test(text));

export const names = fc.array(identifier, { minLength: 1, maxLength: 3 });

export const text = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom("'", '"', '\\', '\\%', '\n\r\t\0\b\x1a', "\\'", 'é😀', '`', ';', '--', '/*'),
);

export const sqlType: fc.Arbitrary<SqlType> = fc.letrec<{ type: SqlType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom<SqlType>(
      { kind: 'BOOLEAN' },
      { kind: 'TINYINT' },
      { kind: 'SMALLINT' },
      { kind: 'INT' },
      { kind: 'BIGINT' },
      { kind: 'LARGEINT' },
      { kind: 'FLOAT' },
      { kind: 'DOUBLE' },
      { kind: 'DECIMAL', precision: 10, scale: 2 },
      { kind: 'DATE' },
      { kind: 'DATETIME' },
      { kind: 'CHAR', length: 3 },
      { kind: 'VARCHAR', length: 65533 },
      { kind: 'VARBINARY', length: 0 },
      { kind: 'VARBINARY', length: 9 },
      { kind: 'JSON' },
      { kind: 'BITMAP' },
      { kind: 'HLL' },
      { kind: 'PERCENTILE' },
    ),
    tie('type').map((element): SqlType => ({ kind: 'ARRAY', element })),
    fc
      .tuple(tie('type'), tie('type'))
      .map(([key, value]): SqlType => ({ kind: 'MAP', key, value })),
    fc
      .array(fc.record({ name, type: tie('type') }), { minLength: 1, maxLength: 2 })
      .map((fields): SqlType => ({ kind: 'STRUCT', fields })),
  ),
})).type;

type Fields = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/** A record arbitrary for one kind of expression. */
const make = (kind: Expression['kind'], fields: Fields): fc.Arbitrary<Expression> =>
  fc.record(fields).map((values) => ({ kind, ...at, ...values }) as unknown as Expression);

const unit = fc.constantFrom('YEAR', 'MONTH', 'DAY', 'SECOND', 'MICROSECOND' as const);
const digits = fc.constantFrom('0', '1', '42', '99999999999999999999999');

interface Trees {
  readonly expression: Expression;
  readonly call: FunctionCall;
  readonly plainCall: FunctionCall;
  readonly query: Query;
  readonly relation: Relation;
}

const leaves: readonly fc.Arbitrary<Expression>[] = [
  make('null', {}),
  make('boolean', { value: fc.boolean() }),
  make('integer', { text: digits }),
  make('decimal', { text: fc.constantFrom('1.5', '.5', '1.') }),
  make('float', { text: fc.constantFrom('1e5', '1.5E-3') }),
  make('string', { value: text }),
  make('binary_literal', { hex: fc.constantFrom('', 'CAFE') }),
  make('date_literal', { type: fc.constantFrom('DATE', 'DATETIME'), text }),
  make('column', { path: fc.array(name, { minLength: 1, maxLength: 4 }) }),
  make('user_variable', { name: lowerName }),
  make('system_variable', { scope: fc.constantFrom(null, 'SESSION', 'GLOBAL'), name: lowerName }),
];

const leaf = fc.oneof(
  make('integer', { text: digits }),
  make('string', { value: text }),
  make('null', {}),
);

const limit = fc.option(
  fc.record({
    count: make('integer', { text: digits }),
    offset: fc.option(make('integer', { text: digits })),
  }),
);

const operators = [
  '+',
  '-',
  '*',
  '/',
  'DIV',
  '%',
  '&',
  '|',
  '^',
  '<<',
  '>>',
  '=',
  '<>',
  '<',
  '<=',
  '>',
  '>=',
  '<=>',
  'AND',
  'OR',
  'XOR',
] as const;

export const trees = fc.letrec<Trees>((tie) => {
  const e = tie('expression') as fc.Arbitrary<Expression>;
  const query = tie('query') as fc.Arbitrary<Query>;
  const relation = tie('relation') as fc.Arbitrary<Relation>;
  const list = fc.array(e, { minLength: 1, maxLength: 2 });
  const negated = fc.boolean();
  const orderItem = fc.record({
    pos: fc.constant(pos),
    expression: e,
    descending: fc.boolean(),
    nullsFirst: fc.constantFrom(null, true, false),
  });
  const orderBy = fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(orderItem, { minLength: 1, maxLength: 2 }) },
  );
  const bound = fc.oneof(
    fc.constantFrom({ kind: 'unbounded_preceding' }, { kind: 'unbounded_following' }, {
      kind: 'current_row',
    } as const),
    fc.record({ kind: fc.constantFrom('preceding', 'following'), amount: e }),
  );
  const inner: readonly fc.Arbitrary<Expression>[] = [
    make('interval', { amount: e, unit }),
    make('field', { operand: e, name }),
    make('subscript', { operand: e, index: e }),
    make('unary', { op: fc.constantFrom('-', '+', '~', 'NOT'), operand: e }),
    make('binary', { op: fc.constantFrom(...operators), left: e, right: e }),
    make('between', { negated, operand: e, low: e, high: e }),
    make('in_list', {
      negated,
      operand: e,
      items: list.filter(([only, more]) => more !== undefined || only?.kind !== 'subquery'),
    }),
    make('in_subquery', { negated, operand: e, query }),
    make('exists', { query }),
    make('like', { op: fc.constantFrom('LIKE', 'REGEXP'), negated, operand: e, pattern: e }),
    make('is_null', { negated, operand: e }),
    make('case', {
      operand: fc.option(e),
      branches: fc.array(fc.record({ when: e, result: e }), { minLength: 1, maxLength: 2 }),
      otherwise: fc.option(e),
    }),
    make('cast', { operand: e, type: sqlType, tryCast: fc.boolean() }),
    make('collate', { operand: e, collation: name }),
    make('subquery', { query }),
    make('row', { items: fc.array(e, { minLength: 2, maxLength: 3 }) }),
    make('array', { elementType: fc.option(sqlType), items: fc.array(e, { maxLength: 2 }) }),
    make('map', {
      type: fc.option(fc.record({ key: sqlType, value: sqlType })),
      entries: fc.array(fc.record({ key: e, value: e }), { maxLength: 2 }),
    }),
    make('json_arrow', { operand: e, path: make('string', { value: text }) }),
    make('lambda', { parameters: names, body: e }),
    make('window', {
      call: tie('plainCall'),
      partitionBy: fc.array(e, { maxLength: 2 }),
      orderBy,
      frame: fc.option(
        fc.record({ unit: fc.constantFrom('ROWS', 'RANGE'), start: bound, end: fc.option(bound) }),
      ),
    }),
    tie('call') as fc.Arbitrary<Expression>,
  ];
  const plainCall = {
    kind: fc.constant('function' as const),
    pos: fc.constant(pos),
    name: lowerName,
    database: fc.option(name),
    filter: fc.option(e),
    ignoreNulls: fc.boolean(),
  };
  const none = {
    args: fc.constant([]),
    distinct: fc.constant(false),
    orderBy: fc.constant([]),
    separator: fc.constant(null),
    unit: fc.constant(null),
  };
  const call = fc.oneof(
    fc.record({ ...plainCall, ...none, star: fc.boolean() }),
    fc.record({
      ...plainCall,
      star: fc.constant(false),
      args: list,
      distinct: fc.boolean(),
      orderBy,
      separator: fc.option(e),
      unit: fc.constant(null),
    }),
  );
  const unitCall = fc.record({
    ...plainCall,
    ...none,
    args: list,
    name: fc.constantFrom('timestampadd', 'timestampdiff'),
    database: fc.constant(null),
    filter: fc.constant(null),
    ignoreNulls: fc.constant(false),
    star: fc.constant(false),
    unit,
  });
  const itemOf = fc.oneof(
    fc.record({
      kind: fc.constant('expression_item' as const),
      pos: fc.constant(pos),
      expression: e,
      alias: fc.option(name),
      end: fc.constant(0),
    }),
    fc.record({
      kind: fc.constant('star_item' as const),
      pos: fc.constant(pos),
      qualifier: fc.option(
        fc.record({
          pos: fc.constant(pos),
          catalog: fc.constant(null),
          database: fc.option(name),
          name,
        }),
      ),
      exclude: fc.oneof(fc.constant([]), names),
    }),
  );
  const groupBy = fc.oneof(
    fc.record({ kind: fc.constantFrom('simple', 'rollup', 'cube'), items: list }),
    fc.record({
      kind: fc.constant('grouping_sets' as const),
      sets: fc.array(fc.array(e, { maxLength: 2 }), { minLength: 1, maxLength: 2 }),
    }),
  );
  const select = fc.record({
    kind: fc.constant('select' as const),
    pos: fc.constant(pos),
    hints: fc.constantFrom([], ['SET_VAR(a=1)']),
    distinct: fc.boolean(),
    items: fc.array(itemOf, { minLength: 1, maxLength: 2 }),
    from: fc.option(relation),
    where: fc.option(e),
    groupBy: fc.option(groupBy) as fc.Arbitrary<null>,
    having: fc.option(e),
    qualify: fc.option(e),
  });
  const limited = fc.record({
    kind: fc.constant('query' as const),
    pos: fc.constant(pos),
    recursive: fc.constant(false),
    ctes: fc.constant([]),
    body: select,
    orderBy,
    limit: limit.filter((value) => value !== null),
  });
  const side = fc.oneof({ weight: 3, arbitrary: select }, { weight: 1, arbitrary: limited });
  const setOperation = (left: fc.Arbitrary<unknown>, right: fc.Arbitrary<unknown>) =>
    fc.record({
      kind: fc.constant('set_operation' as const),
      pos: fc.constant(pos),
      op: fc.constantFrom('UNION', 'INTERSECT', 'EXCEPT'),
      all: fc.boolean(),
      left,
      right,
    });
  const pair = setOperation(side, side);
  const cte = fc.record({
    pos: fc.constant(pos),
    name,
    columns: fc.oneof(fc.constant([]), names),
    query,
  });
  const anyQuery = fc
    .record({
      kind: fc.constant('query' as const),
      pos: fc.constant(pos),
      ctes: fc.oneof(
        { weight: 4, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(cte, { minLength: 1, maxLength: 2 }) },
      ),
      recursive: fc.boolean(),
      body: fc.oneof(
        { weight: 6, arbitrary: select },
        { weight: 1, arbitrary: pair },
        { weight: 1, arbitrary: setOperation(pair, side) },
        { weight: 1, arbitrary: setOperation(side, pair) },
      ),
      orderBy,
      limit,
    })
    .map((value) => ({ ...value, recursive: value.recursive && value.ctes.length > 0 }));
  const aliased = {
    pos: fc.constant(pos),
    alias: fc.option(name),
    columnAliases: fc.oneof(fc.constant([]), names),
  };
  const tableName = fc.record({
    pos: fc.constant(pos),
    catalog: fc.constant(null),
    database: fc.option(name),
    name,
  });
  const source = fc
    .oneof(
      fc.record({
        ...aliased,
        kind: fc.constant('table'),
        name: tableName,
        partitions: fc.option(fc.record({ pos: fc.constant(pos), temporary: fc.boolean(), names })),
      }),
      fc.record({ ...aliased, kind: fc.constant('derived_table'), query }),
      fc.record({
        ...aliased,
        kind: fc.constant('table_function'),
        name: lowerName,
        args: fc.array(fc.record({ name: fc.option(name), value: e }), { maxLength: 2 }),
      }),
    )
    .map((relation) => (relation.alias === null ? { ...relation, columnAliases: [] } : relation));
  const pivot = fc
    .record({
      ...aliased,
      kind: fc.constant('pivot'),
      source: relation,
      aggregates: fc.array(
        fc.record({ expression: tie('call'), alias: fc.option(name), end: fc.constant(0) }),
        { minLength: 1, maxLength: 2 },
      ),
      columns: fc.array(identifier, { minLength: 2, maxLength: 2 }),
      values: fc.array(
        fc.record({
          items: fc.array(leaf, { minLength: 2, maxLength: 2 }),
          alias: fc.option(name),
        }),
        { minLength: 1, maxLength: 2 },
      ),
    })
    .map((made) => (made.alias === null ? { ...made, columnAliases: [] } : made));
  const on = fc.oneof(
    fc.record({ kind: fc.constant('on'), expression: e }),
    fc.record({ kind: fc.constant('using'), columns: names }),
  );
  const joinOf = (types: readonly string[], condition: fc.Arbitrary<unknown>) =>
    fc.record({
      kind: fc.constant('join'),
      pos: fc.constant(pos),
      type: fc.constantFrom(...types),
      hint: fc.constantFrom(null, 'BROADCAST'),
      lateral: fc.boolean(),
      left: relation,
      right: relation,
      condition,
    });
  const outerTypes = [
    'LEFT',
    'RIGHT',
    'FULL',
    'LEFT SEMI',
    'RIGHT SEMI',
    'LEFT ANTI',
    'RIGHT ANTI',
  ];
  return {
    expression: fc.oneof({ maxDepth: 3, depthSize: 'small' }, ...leaves, ...inner),
    call: fc.oneof(call, unitCall) as fc.Arbitrary<FunctionCall>,
    plainCall: call as fc.Arbitrary<FunctionCall>,
    query: anyQuery as fc.Arbitrary<Query>,
    relation: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      { weight: 6, arbitrary: source },
      { weight: 1, arbitrary: pivot },
      joinOf(['INNER', 'CROSS'], fc.option(on)),
      joinOf(outerTypes, on),
    ) as fc.Arbitrary<Relation>,
  };
});
