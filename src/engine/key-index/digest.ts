// Keys as digests: what the key index of a data file is sorted and searched by. The same SQL over a batch and over a
// data file gives the same digest for the same key, whatever its types; NULL is a key of its own.
import { quoteIdentifier, quoteLiteral } from '../../model/duckdb-text.ts';
import type { ColumnSchema } from '../../model/table.ts';
import type { EngineChunk } from '../connection.ts';
import { columnBytes } from '../vectors.ts';

/** The lower half of a number of 128 bits. */
const LOW_64 = 2n ** 64n - 1n;
/** Bytes of the `hi` and `lo` columns of a digest. */
const HALF_BYTES = 8;

/**
 * How the keys of a table become digests of two halves of 64 bits. `exact`: the lower half is the key itself and the
 * upper one a hash of it, so that equal digests are equal keys. Otherwise both are of an MD5 of the key's text with
 * a salt: 128 bits that nobody without the salt can make collide.
 */
export interface KeyDigest {
  /** Of digests with another id none can be compared with this one's. */
  readonly id: string;
  readonly isExact: boolean;
  /** SELECT list that gives `hi` and `lo` (UBIGINT) of the key columns, found by their names. */
  readonly selectList: string;
}

/** Digests by sorted order: four words of 32 bits each, from the highest. */
export interface Digests {
  readonly count: number;
  /** Of the upper half: its high and its low word. */
  readonly high: Uint32Array;
  readonly middle: Uint32Array;
  /** Of the lower half. */
  readonly low: Uint32Array;
  readonly lowest: Uint32Array;
}

/**
 * Null where a key has a type that cannot be compared by its text. `engineVersion`: the engine's own hash may change
 * with it.
 */
export function keyDigest(
  columns: readonly ColumnSchema[],
  salt: string,
  engineVersion: string,
): KeyDigest | null {
  const [only] = columns;
  if (only === undefined) return null;
  const described = columns.map(({ fieldId, type, nullable }) => [fieldId, type, nullable]);
  const exact = columns.length === 1 && !only.nullable ? numberSql(only) : null;
  if (exact !== null) {
    return {
      id: JSON.stringify(['exact', engineVersion, described]),
      isExact: true,
      selectList: `hash(${exact}) AS hi, CAST(${exact} AS BIGINT) AS lo`,
    };
  }
  const texts: string[] = [];
  for (const column of columns) {
    const text = textSql(column);
    if (text === null) return null;
    // With its length before it no two lists of values have one text.
    const framed = `strlen(${text}) || ':' || ${text}`;
    texts.push(column.nullable ? `coalesce(${framed}, '-')` : framed);
  }
  const digest = `md5_number(${[quoteLiteral(salt), ...texts].join(' || ')})`;
  // The engine works the common part out once.
  const half = (bits: string): string => `CAST(${digest} ${bits} AS UBIGINT)`;
  return {
    id: JSON.stringify(['md5', salt, described]),
    isExact: false,
    selectList: `${half('>> 64')} AS hi, ${half(`& ${LOW_64}`)} AS lo`,
  };
}

/** BIGINT, another one for each value. */
function numberSql({ name, type }: ColumnSchema): string | null {
  const column = quoteIdentifier(name);
  switch (type.kind) {
    case 'BOOLEAN':
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
      return `CAST(${column} AS BIGINT)`;
    case 'DATE':
      return `(${column} - DATE '1970-01-01')`;
    case 'DATETIME':
      return `epoch_us(${column})`;
    default:
      return null;
  }
}

/** VARCHAR, another one for each value. */
function textSql({ name, type }: ColumnSchema): string | null {
  const column = quoteIdentifier(name);
  switch (type.kind) {
    case 'BOOLEAN':
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT':
    case 'DECIMAL':
    case 'DATE':
    case 'DATETIME':
      return `CAST(${column} AS VARCHAR)`;
    case 'CHAR':
    case 'VARCHAR':
      return column;
    case 'VARBINARY':
      return `hex(${column})`;
    case 'NULL':
    case 'FLOAT':
    case 'DOUBLE':
    case 'JSON':
    case 'ARRAY':
    case 'MAP':
    case 'STRUCT':
    case 'BITMAP':
    case 'HLL':
    case 'PERCENTILE':
      return null;
  }
}

/** The digests of chunks whose first columns are `hi` and `lo`, in the order `ORDER BY hi, lo`; each once. */
export function readDigests(chunks: readonly EngineChunk[]): Digests {
  const rows = chunks.reduce((sum, chunk) => sum + chunk.rowCount, 0);
  const make = (): Uint32Array => new Uint32Array(rows);
  const [high, middle, low, lowest] = [make(), make(), make(), make()];
  let count = 0;
  for (const chunk of chunks) {
    const [hi, lo] = [words(chunk, 0), words(chunk, 1)];
    // Each look at it is a call into the engine.
    const { rowCount } = chunk;
    for (let row = 0; row < rowCount; row += 1) {
      high[count] = hi[row * 2 + 1] ?? 0;
      middle[count] = hi[row * 2] ?? 0;
      low[count] = lo[row * 2 + 1] ?? 0;
      lowest[count] = lo[row * 2] ?? 0;
      const isNew =
        count === 0 ||
        high[count] !== high[count - 1] ||
        middle[count] !== middle[count - 1] ||
        low[count] !== low[count - 1] ||
        lowest[count] !== lowest[count - 1];
      if (isNew) count += 1;
    }
  }
  return { count, high, middle, low, lowest };
}

/** A column of 64-bit numbers as pairs of words, the low one first. */
export function words(chunk: EngineChunk, column: number): Uint32Array {
  // A copy: a vector's bytes are only aligned to what it likes.
  return new Uint32Array(new Uint8Array(columnBytes(chunk, column, HALF_BYTES)).buffer);
}
