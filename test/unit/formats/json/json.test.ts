// JSON trees: what is read and refused, their text, paths, changes, containment and order. Compared with
// JavaScript's own JSON where that keeps everything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareJson, contains, put, removeAt } from '../../../../src/formats/json/change.ts';
import { findAll, parsePath } from '../../../../src/formats/json/path.ts';
import { asLine, lineText, numberText, prettyText } from '../../../../src/formats/json/text.ts';
import { type JsonValue, MAX_DEPTH, readJson } from '../../../../src/formats/json/value.ts';

function tree(text: string): JsonValue {
  const { value, problem } = readJson(text);
  assert.equal(problem, null, text);
  return value;
}

const steps = (path: string) => {
  const parsed = parsePath(path);
  assert.ok(parsed !== undefined, path);
  return parsed;
};

test('what JavaScript reads is read the same, by both ways to a line', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify(value);
      const line = lineText(tree(text));
      assert.deepEqual(JSON.parse(line), JSON.parse(text));
      assert.equal(asLine(text), line);
      assert.deepEqual(JSON.parse(prettyText(tree(text))), JSON.parse(text));
    }),
    { seed: 4, numRuns: 2000 },
  );
});

test('broken text is refused exactly where JavaScript refuses it', () => {
  const piece = fc.constantFrom(
    ...['{', '}', '[', ']', ',', ':', '"a"', '"', '1', '-', '0', '.5', 'e3', 'true', 'nul', 'null'],
    ...[' ', '\t', '\\', '"\\u0041"', '"\\x"', '01', '+1', "'a'"],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const text = pieces.join('');
      let expected = true;
      try {
        JSON.parse(text);
      } catch {
        expected = false;
      }
      assert.equal(readJson(text).problem === null, expected, text);
      assert.equal(asLine(text) !== null, expected, text);
    }),
    { seed: 4, numRuns: 20_000 },
  );
});

test('numbers keep their value: short where a double holds it, else as written', () => {
  for (const [written, shown] of [
    ['1.50', '1.5'],
    ['1e3', '1000'],
    ['1.0', '1'],
    ['-0', '0'],
    ['-0.0', '0'],
    ['0.1', '0.1'],
    ['1e21', '1e+21'],
    ['0.1000000000000000055', '0.1000000000000000055'],
    ['9007199254740993', '9007199254740993'],
    ['123456789012345678901234567890.5', '123456789012345678901234567890.5'],
    ['1e400', '1e400'],
    ['1E-7', '1e-7'],
  ] as const) {
    assert.equal(numberText(written), shown);
  }
});

test('keys are sorted at every level, also keys that are numbers', () => {
  assert.equal(
    asLine('{"10":1,"9":{"b":1,"a":[{"d":1,"c":2}]}}'),
    '{"10": 1, "9": {"a": [{"c": 2, "d": 1}], "b": 1}}',
  );
  assert.equal(asLine('{"__proto__":1,"a":",\\n  "}'), '{"__proto__": 1, "a": ",\\n  "}');
});

test('deep nesting is no crash: the text stays', () => {
  const deep = `${'['.repeat(MAX_DEPTH + 1)}${']'.repeat(MAX_DEPTH + 1)}`;
  assert.equal(readJson(deep).problem, 'too deep');
  assert.equal(asLine(deep), deep);
  assert.equal(readJson('['.repeat(100_000)).problem, 'too deep');
  const most = `${'['.repeat(MAX_DEPTH)}${']'.repeat(MAX_DEPTH)}`;
  assert.equal(asLine(most), most);
});

test('paths', () => {
  const value = tree('{"a": [{"b": 1}, {"b": [2, 3]}], "x y": {"q\\"": 4}, "k": 5}');
  for (const [path, found] of [
    ['$', [lineText(value)]],
    ['$.a[0].b', ['1']],
    ['a[1].b[1]', ['3']],
    ['$.a[*].b', ['1', '[2, 3]']],
    ['$.a[0:1]', ['{"b": 1}']],
    ['$.a [ 0 : 2 ] .b', ['1', '[2, 3]']],
    ['$."x y"."q\\""', ['4']],
    ['$.k.m', []],
    ['$.a[7]', []],
    ['$."x y".*', ['4']],
  ] as const) {
    assert.deepEqual(findAll(value, steps(path)).map(lineText), found, path);
  }
  for (const bad of ['$[', '$.', '$..a', '$.a[x]', '$[-1]', '$."a', '$.a]']) {
    assert.equal(parsePath(bad), undefined, bad);
  }
});

test('what is put at a path is found there, and gone when it is removed', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const object = fc.dictionary(key, fc.oneof(fc.integer(), fc.dictionary(key, fc.integer())));
  fc.assert(
    fc.property(object, key, fc.integer(), (plain, name, wanted) => {
      const before = tree(JSON.stringify(plain));
      const after = put(before, steps(name), tree(String(wanted)), 'set');
      const model = { ...plain, [name]: wanted };
      assert.equal(lineText(after), asLine(JSON.stringify(model)));
      const { [name]: _, ...rest } = model;
      assert.equal(lineText(removeAt(after, steps(name))), asLine(JSON.stringify(rest)));
      // Nothing is changed in place.
      assert.equal(lineText(before), asLine(JSON.stringify(plain)));
    }),
    { seed: 4, numRuns: 500 },
  );
});

test('the order is one: antisymmetric, transitive, and equality is containment both ways for objects', () => {
  const json = fc.jsonValue({ maxDepth: 2 }).map((value) => tree(JSON.stringify(value)));
  fc.assert(
    fc.property(json, json, json, (a, b, c) => {
      assert.equal(Math.sign(compareJson(a, b)) + Math.sign(compareJson(b, a)), 0);
      assert.equal(compareJson(a, a), 0);
      if (compareJson(a, b) <= 0 && compareJson(b, c) <= 0) assert.ok(compareJson(a, c) <= 0);
      assert.ok(contains(a, a));
    }),
    { seed: 4, numRuns: 3000 },
  );
  assert.ok(compareJson(tree('9007199254740993'), tree('9007199254740992')) > 0);
  assert.equal(compareJson(tree('1.0'), tree('1')), 0);
});
