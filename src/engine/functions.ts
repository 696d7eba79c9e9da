// JavaScript functions that SQL can call: scalar functions (a chunk in, a vector out) and table
// functions (a generator of rows). They run on the event loop while DuckDB's thread waits, so they must
// be quick, and they must never throw for bad data (a throw fails the whole statement).
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DOUBLE,
  type DuckDBDataChunk,
  DuckDBScalarFunction,
  DuckDBTableFunction,
  type DuckDBType,
  type DuckDBVector,
  INTEGER,
  VARCHAR,
} from '@duckdb/node-api';
import { VectorWriter } from './vectors.ts';

export type FunctionType = 'BOOLEAN' | 'INTEGER' | 'BIGINT' | 'DOUBLE' | 'VARCHAR' | 'BLOB';
/** Vectors of a scalar function's output: `setItem(row, value)` then `flush()` at the end. */
export type EngineVector = DuckDBVector;

export interface ScalarFunctionSpec {
  readonly name: string;
  readonly parameters: readonly FunctionType[];
  readonly returns: FunctionType;
  /** True: called for every row even if nobody seems to need the value (side effects). */
  readonly volatile: boolean;
  /** True: sees NULL arguments; false: NULL in, NULL out, without a call. */
  readonly seesNulls: boolean;
  /** Fills `output` for each of the input's rows. `flush()` is called for it afterwards. */
  readonly call: (input: DuckDBDataChunk, output: EngineVector) => void;
}

export interface TableFunctionSpec {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: FunctionType }[];
  /**
   * Called once per scan; gives the function that fills up to 2048 rows per call and says how many it
   * wrote; 0 ends the scan. `id` is the table function's one BIGINT argument: `name(id)`.
   */
  readonly open: (id: number) => (output: VectorWriter) => number;
}

function typeOf(type: FunctionType): DuckDBType {
  switch (type) {
    case 'BOOLEAN':
      return BOOLEAN;
    case 'INTEGER':
      return INTEGER;
    case 'BIGINT':
      return BIGINT;
    case 'DOUBLE':
      return DOUBLE;
    case 'VARCHAR':
      return VARCHAR;
    case 'BLOB':
      return BLOB;
  }
}

export function makeScalarFunction(spec: ScalarFunctionSpec): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name: spec.name,
    parameterTypes: spec.parameters.map(typeOf),
    returnType: typeOf(spec.returns),
    volatile: spec.volatile,
    specialHandling: spec.seesNulls,
    mainFunction: (info, input, output) => {
      try {
        spec.call(input, output);
        output.flush();
      } catch (thrown) {
        info.setError(thrown instanceof Error ? thrown.message : String(thrown));
      }
    },
  });
}

interface Scan {
  readonly next: (output: VectorWriter) => number;
}

export function makeTableFunction(spec: TableFunctionSpec): DuckDBTableFunction {
  return DuckDBTableFunction.create({
    name: spec.name,
    parameterTypes: [BIGINT],
    bindFunction: (info) => {
      for (const column of spec.columns) info.addResultColumn(column.name, typeOf(column.type));
      info.setBindData({ id: Number(info.getParameter(0)) });
    },
    initFunction: (info) => {
      // One thread: rows come in order, and the event loop could not serve two anyway.
      info.setMaxThreads(1);
      const bound = info.getBindData();
      const id = bound !== undefined && 'id' in bound ? Number(bound.id) : 0;
      const scan: Scan = { next: spec.open(id) };
      info.setInitData(scan);
    },
    mainFunction: (info, output) => {
      try {
        const scan = info.getInitData() as Scan;
        output.rowCount = scan.next(new VectorWriter(output.chunk));
      } catch (thrown) {
        info.setError(thrown instanceof Error ? thrown.message : String(thrown));
      }
    },
  });
}
