// What load kinds share has one spec: type, bounds, words and meaning, whatever the default of each kind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMON_PROPERTIES, commonProperty } from '../../../src/loads/common-properties.ts';
import { LOAD_KINDS } from '../../../src/loads/load-kinds.ts';
import { checkProperties, type PropertySpec } from '../../../src/loads/properties.ts';

const shared = new Map<string, PropertySpec>(
  Object.entries<Omit<PropertySpec, 'default' | 'alterable'>>(COMMON_PROPERTIES).map(
    ([name, spec]) => [name, { ...spec, default: null, alterable: false }],
  ),
);
const kinds = Object.entries(LOAD_KINDS);

test('a property that two load kinds have is a common one', () => {
  assert.ok(kinds.length > 1);
  const names = kinds.flatMap(([, table]) => Object.keys(table));
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  assert.ok(twice.has('strict_mode') && twice.has('max_filter_ratio'));
  for (const name of twice) assert.ok(shared.has(name), `${name} is in common-properties.ts`);
});

test('every kind has the common type, bounds, words and meaning', () => {
  for (const [kind, table] of kinds) {
    for (const [name, spec] of Object.entries(table)) {
      const common = shared.get(name);
      if (common === undefined) continue;
      assert.deepEqual(
        [spec.type, spec.min, spec.max, common.words === undefined ? undefined : spec.words],
        [common.type, common.min, common.max, common.words],
        `${kind}: ${name}`,
      );
      assert.ok(spec.help.startsWith(common.help), `${kind}: what ${name} means`);
    }
  }
});

test('a kind adds its default, its words for a wrong value and a note', () => {
  const table = {
    max_filter_ratio: commonProperty('max_filter_ratio', {
      default: '0.5',
      message: 'not that',
      note: 'of a batch',
    }),
  };
  const { help, alterable } = table.max_filter_ratio;
  assert.ok(
    help.endsWith('; of a batch') && !alterable && table.max_filter_ratio.default === '0.5',
  );
  assert.throws(() => checkProperties(table, { max_filter_ratio: '1.5' }), /not that/);
  assert.deepEqual(checkProperties(table, { MAX_FILTER_RATIO: ' 0.25 ' }), {
    max_filter_ratio: '0.25',
  });
});
