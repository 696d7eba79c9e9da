// What a client is told about a result column of each type: type code, length, decimals, charset, flags.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SqlType } from '../../../src/model/sql-type.ts';
import {
  readColumnDefinition,
  writeColumnDefinition,
} from '../../../src/mysql/packets/column-definition.ts';
import { PayloadReader } from '../../../src/mysql/packets/payload-reader.ts';
import { mysqlColumn } from '../../../src/statements/mysql-columns.ts';

const INT: SqlType = { kind: 'INT' };
const decimal = (precision: number, scale: number): SqlType => ({
  kind: 'DECIMAL',
  precision,
  scale,
});
const [UTF8, BINARY] = [45, 63];
/** MySQL's flags BINARY and BLOB. */
const [PLAIN, NUMBER, BLOB] = [0, 128, 128 | 16];

/** Lengths in bytes: characters by 4 for text. A row for each kind, so that a new type must be added. */
const EXPECTED: Readonly<
  Record<
    SqlType['kind'],
    readonly (readonly [
      type: SqlType,
      code: number,
      length: number,
      decimals: number,
      charset: number,
      flags: number,
    ])[]
  >
> = {
  NULL: [[{ kind: 'NULL' }, 0x06, 0, 0, BINARY, NUMBER]],
  BOOLEAN: [[{ kind: 'BOOLEAN' }, 0x01, 1, 0, BINARY, NUMBER]],
  TINYINT: [[{ kind: 'TINYINT' }, 0x01, 4, 0, BINARY, NUMBER]],
  SMALLINT: [[{ kind: 'SMALLINT' }, 0x02, 6, 0, BINARY, NUMBER]],
  INT: [[INT, 0x03, 11, 0, BINARY, NUMBER]],
  BIGINT: [[{ kind: 'BIGINT' }, 0x08, 20, 0, BINARY, NUMBER]],
  LARGEINT: [[{ kind: 'LARGEINT' }, 0xfe, 160, 0, UTF8, PLAIN]],
  FLOAT: [[{ kind: 'FLOAT' }, 0x04, 12, 31, BINARY, NUMBER]],
  DOUBLE: [[{ kind: 'DOUBLE' }, 0x05, 22, 31, BINARY, NUMBER]],
  DECIMAL: [
    [decimal(10, 2), 0xf6, 12, 2, BINARY, NUMBER],
    [decimal(38, 0), 0xf6, 39, 0, BINARY, NUMBER],
    [decimal(38, 38), 0xf6, 40, 38, BINARY, NUMBER],
  ],
  DATE: [[{ kind: 'DATE' }, 0x0a, 10, 0, BINARY, NUMBER]],
  DATETIME: [[{ kind: 'DATETIME' }, 0x0c, 26, 0, BINARY, NUMBER]],
  CHAR: [[{ kind: 'CHAR', length: 5 }, 0xfe, 20, 0, UTF8, PLAIN]],
  VARCHAR: [
    [{ kind: 'VARCHAR', length: 20 }, 0xfd, 80, 0, UTF8, PLAIN],
    [{ kind: 'VARCHAR', length: 1_048_576 }, 0xfd, 4_194_304, 0, UTF8, PLAIN],
  ],
  VARBINARY: [[{ kind: 'VARBINARY', length: 0 }, 0xfc, 65_535, 0, BINARY, BLOB]],
  BITMAP: [[{ kind: 'BITMAP' }, 0xfc, 65_535, 0, BINARY, BLOB]],
  HLL: [[{ kind: 'HLL' }, 0xfc, 65_535, 0, BINARY, BLOB]],
  PERCENTILE: [[{ kind: 'PERCENTILE' }, 0xfc, 65_535, 0, BINARY, BLOB]],
  JSON: [[{ kind: 'JSON' }, 0xfe, 87_380, 0, UTF8, PLAIN]],
  ARRAY: [[{ kind: 'ARRAY', element: INT }, 0xfe, 87_380, 0, UTF8, PLAIN]],
  MAP: [[{ kind: 'MAP', key: INT, value: INT }, 0xfe, 87_380, 0, UTF8, PLAIN]],
  STRUCT: [[{ kind: 'STRUCT', fields: [{ name: 'a', type: INT }] }, 0xfe, 87_380, 0, UTF8, PLAIN]],
};

for (const [kind, rows] of Object.entries(EXPECTED)) {
  test(`the column definition of ${kind}`, () => {
    for (const [type, typeCode, lengthBytes, decimals, charset, flags] of rows) {
      const written = writeColumnDefinition(mysqlColumn({ name: 'c', type }));
      assert.deepEqual(readColumnDefinition(new PayloadReader(written)), {
        database: '',
        table: '',
        name: 'c',
        charset,
        lengthBytes,
        typeCode,
        flags,
        decimals,
      });
    }
  });
}
