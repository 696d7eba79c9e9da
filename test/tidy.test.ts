// The rules of the tree that the linter cannot say: layers, third-party walls, what FE and CN reach,
// sizes, names, fresh reference docs, changelog.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { referencePages } from '../scripts/reference-pages.ts';
import {
  folderOf,
  layerOf,
  reachable,
  readSources,
  type SourceFile,
} from './support/source-files.ts';

const sources = readSources('src/**/*.ts');
const everything = [...sources, ...readSources('{test,bench,scripts}/**/*.ts')];
const byPath = new Map(sources.map((file) => [file.path, file]));

function none(problems: readonly string[]): void {
  assert.deepEqual(problems, []);
}

test('every folder of src/ is in the layer table', () => {
  none(sources.filter((file) => layerOf(file.path) === undefined).map((file) => file.path));
});

test('a file imports its own folder or a lower layer', () => {
  none(
    sources.flatMap((file) =>
      file.imports
        .filter(
          (target) =>
            folderOf(target) !== folderOf(file.path) &&
            (layerOf(target) ?? 0) >= (layerOf(file.path) ?? 0),
        )
        .map((target) => `${file.path} -> ${target}`),
    ),
  );
});

/** Package (or its prefix) -> where it may be imported. */
const WALLS: readonly (readonly [name: RegExp, allowed: readonly string[]])[] = [
  [/^@duckdb\//, ['src/engine/']],
  [/^@aws-sdk\/|^@smithy\//, ['src/storage/']],
  [/^@platformatic\/kafka/, ['src/kafka/client/']],
  [/^kysely$/, ['src/catalog/']],
  [/^node:sqlite$/, ['src/catalog/driver/']],
  [/^fastify/, ['src/http/']],
  [/^pino|^prom-client/, ['src/telemetry/']],
  [/^zod/, ['src/config/', 'src/http/']],
  [/^commander|^mysql2/, ['src/cli/']],
  [/^lz4-napi|^snappy|^protobufjs/, ['src/formats/']],
];

test('third-party packages stay behind their walls', () => {
  none(
    sources.flatMap((file) =>
      file.packages
        .filter((name) =>
          WALLS.some(
            ([wall, allowed]) =>
              wall.test(name) && !allowed.some((folder) => file.path.startsWith(folder)),
          ),
        )
        .map((name) => `${file.path} imports ${name}`),
    ),
  );
});

/** Text that only some folders may hold. */
const WORDS: readonly (readonly [word: RegExp, allowed: readonly string[]])[] = [
  [/\bprocess\.env\b/, ['src/config/']],
  [/\bDate\.now\(|\bperformance\.now\(|\bsetTimeout\(|\bsetInterval\(/, ['src/base/']],
  [/\bMath\.random\(/, ['src/base/']],
  [/\bTODO\b|\bFIXME\b|\bXXX\b/, []],
  [/: any\b|\bas any\b|@ts-ignore|@ts-expect-error/, []],
  [/catch\s*(\([^)]*\))?\s*\{\s*\}/, []],
];

test('time, chance, environment and left-overs are where they may be', () => {
  none(
    sources.flatMap((file) =>
      WORDS.filter(
        ([word, allowed]) =>
          word.test(withoutComments(file.text)) &&
          !allowed.some((folder) => file.path.startsWith(folder)),
      ).map(([word]) => `${file.path}: ${word.source}`),
    ),
  );
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

test('the FE never reaches the engine, the CN never the catalog', () => {
  const fe = [...reachable('src/roles/fe.ts', byPath)];
  none(fe.filter((path) => path.startsWith('src/engine/')));
  for (const role of ['src/roles/cn-query.ts', 'src/roles/cn-loader.ts']) {
    none([...reachable(role, byPath)].filter((path) => path.startsWith('src/catalog/')));
  }
});

test('only commit/ calls what makes rows visible', () => {
  none(
    sources
      .filter(
        (file) => /\.commits\b/.test(file.text) && !/^src\/(commit|catalog)\//.test(file.path),
      )
      .map((file) => file.path),
  );
});

/** Tables of data may be longer. */
const LONG_TABLES: readonly string[] = [];

test('files stay within 500 lines (tests 800)', () => {
  none(
    everything
      .filter((file) => !LONG_TABLES.includes(file.path))
      .filter((file) => file.lines > (file.path.startsWith('test/') ? 800 : 500))
      .map((file) => `${file.path}: ${file.lines}`),
  );
});

test('every source file says at its head what it is for', () => {
  none(sources.filter((file) => !startsWithComment(file)).map((file) => file.path));
});

function startsWithComment(file: SourceFile): boolean {
  return file.text.startsWith('//') || file.text.startsWith('/*');
}

test('no file has a name that says nothing', () => {
  const empty = ['utils.ts', 'helpers.ts', 'common.ts', 'misc.ts'];
  none(everything.filter((file) => empty.includes(basename(file.path))).map((file) => file.path));
});

test('reference pages are what the tables say (npm run docs makes them)', () => {
  none(
    [...referencePages()]
      .filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text)
      .map(([path]) => path),
  );
});

test('the changelog has an entry for the version in package.json', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  assert.ok(readFileSync('CHANGELOG.md', 'utf8').includes(`## ${version}`));
});
