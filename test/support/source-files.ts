// The source tree as data for the tidy test: files, their imports, their layer.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface SourceFile {
  /** From the repository's root: `src/sql/lexer.ts`. */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  /** Paths of our own files that it imports, from the root. */
  readonly imports: readonly string[];
  /** Packages and node: modules that it imports. */
  readonly packages: readonly string[];
}

/** Folder of src/ -> layer. A file imports its own folder or a lower number. */
export const LAYERS: Readonly<Record<string, number>> = {
  base: 0,
  telemetry: 1,
  config: 1,
  model: 2,
  formats: 2,
  kafka: 3,
  registry: 3,
  mysql: 3,
  sql: 3,
  storage: 4,
  catalog: 4,
  query: 4,
  access: 5,
  engine: 5,
  tables: 6,
  cluster: 5,
  pipeline: 6,
  commit: 6,
  loads: 7,
  statements: 8,
  http: 9,
  roles: 10,
  cli: 11,
};
/** main.ts stands above all folders. */
export const MAIN_LAYER = 12;

const IMPORT = /(?:from\s+|import\s*\(\s*|import\s+)'([^']+)'/g;

export function readSources(pattern: string): SourceFile[] {
  return globSync(pattern)
    .sort()
    .map((path) => {
      const text = readFileSync(path, 'utf8');
      const found = [...text.matchAll(IMPORT)].map((match) => match[1] ?? '');
      return {
        path,
        text,
        lines: text.split('\n').length - 1,
        imports: found
          .filter((name) => name.startsWith('.'))
          .map((name) => normalize(join(dirname(path), name))),
        packages: found.filter((name) => !name.startsWith('.')),
      };
    });
}

/** Layer of a file of src/; undefined for a folder that is not in the table. */
export function layerOf(path: string): number | undefined {
  const folder = folderOf(path);
  return folder === 'main.ts' ? MAIN_LAYER : LAYERS[folder];
}

/** First folder below src/. */
export function folderOf(path: string): string {
  return path.split('/')[1] ?? '';
}

/** Everything that the file reaches through imports of our own files. */
export function reachable(from: string, files: ReadonlyMap<string, SourceFile>): Set<string> {
  const seen = new Set<string>();
  const waiting = [from];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    waiting.push(...(files.get(path)?.imports ?? []));
  }
  return seen;
}
