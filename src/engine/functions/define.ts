// How a JavaScript function of the engine is written down: typed arguments in, one value out, row by row.
// NULL handling, vectors and errors are done here, once for all of them.
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBScalarFunction,
  type DuckDBType,
  INTEGER,
  LIST,
  VARCHAR,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { unreachable } from '../../base/assert.ts';
import {
  type ArgumentOf,
  elementOf,
  type JsArgument,
  type JsResult,
  type JsScalarType,
  type JsType,
  type ResultOf,
  readVector,
  writeVector,
} from './value-types.ts';

/** Bad data: the message is what the user reads. Anything else that is thrown is a bug of ours. */
export class ValueProblem extends Error {}

/** Begins the engine's error text of an unexpected throw; sql-errors.ts makes INTERNAL of it. */
export const BUG_MARK = 'internal error of ';

export interface JsFunctionOptions {
  /** What a ValueProblem makes: an error that ends the statement (default), or NULL for its row. */
  readonly onProblem?: 'fail' | 'null';
  /** True: another answer with each call (random): it is called for every row. Default false. */
  readonly isVolatile?: boolean;
}

/** A function without the types of its arguments, as the registry keeps it. */
export interface JsFunction {
  readonly name: `mr_${string}`;
  readonly parameters: readonly JsType[];
  readonly returns: JsType;
  /** Called with NULLs too? Otherwise a NULL argument gives NULL without a call. */
  readonly seesNulls: boolean;
  readonly onProblem: 'fail' | 'null';
  readonly isVolatile: boolean;
  readonly call: (args: readonly (JsArgument | null)[]) => JsResult | null;
}

type Arguments<P extends readonly JsType[]> = { [K in keyof P]: ArgumentOf<P[K]> };
type NullableArguments<P extends readonly JsType[]> = { [K in keyof P]: ArgumentOf<P[K]> | null };

/** A function that never sees NULL: any NULL argument gives NULL. (Elements of lists can be NULL.) */
export function strictFunction<const P extends readonly JsType[], R extends JsType>(
  name: `mr_${string}`,
  parameters: P,
  returns: R,
  call: (...args: Arguments<P>) => ResultOf<R> | null,
  options: JsFunctionOptions = {},
): JsFunction {
  return {
    ...erased(name, parameters, returns, options),
    seesNulls: false,
    call: (args) => call(...(args as Arguments<P>)),
  };
}

/** A function that decides about NULL itself. */
export function nullableFunction<const P extends readonly JsType[], R extends JsType>(
  name: `mr_${string}`,
  parameters: P,
  returns: R,
  call: (...args: NullableArguments<P>) => ResultOf<R> | null,
  options: JsFunctionOptions = {},
): JsFunction {
  return {
    ...erased(name, parameters, returns, options),
    seesNulls: true,
    call: (args) => call(...(args as NullableArguments<P>)),
  };
}

function erased(
  name: `mr_${string}`,
  parameters: readonly JsType[],
  returns: JsType,
  options: JsFunctionOptions,
) {
  return {
    name,
    parameters,
    returns,
    onProblem: options.onProblem ?? 'fail',
    isVolatile: options.isVolatile ?? false,
  } as const;
}

/** Makes the function callable on every connection of the instance. */
export function install(connection: DuckDBConnection, fn: JsFunction): void {
  const native = new DuckDBScalarFunction();
  native.setName(fn.name);
  for (const parameter of fn.parameters) native.addParameter(duckdbTypeOf(parameter));
  native.setReturnType(duckdbTypeOf(fn.returns));
  // NULLs are looked at here, row by row.
  native.setSpecialHandling();
  if (fn.isVolatile) native.setVolatile();
  duckdb.scalar_function_set_function(native.scalar_function, (info, input, output) => {
    try {
      writeVector(fn.returns, output, callRows(fn, input));
    } catch (thrown) {
      duckdb.scalar_function_set_error(info, errorText(fn, thrown));
    }
  });
  connection.registerScalarFunction(native);
}

function callRows(fn: JsFunction, input: duckdb.DataChunk): readonly (JsResult | null)[] {
  const rows = duckdb.data_chunk_get_size(input);
  const readers = fn.parameters.map((type, column) =>
    readVector(type, duckdb.data_chunk_get_vector(input, column), rows),
  );
  const results = new Array<JsResult | null>(rows).fill(null);
  for (let row = 0; row < rows; row += 1) {
    const args = readers.map((read) => read(row));
    if (!fn.seesNulls && args.includes(null)) continue;
    results[row] = callRow(fn, args);
  }
  return results;
}

function callRow(fn: JsFunction, args: readonly (JsArgument | null)[]): JsResult | null {
  try {
    return fn.call(args);
  } catch (thrown) {
    if (fn.onProblem === 'null' && thrown instanceof ValueProblem) return null;
    throw thrown;
  }
}

function errorText(fn: JsFunction, thrown: unknown): string {
  if (thrown instanceof ValueProblem) return thrown.message;
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return `${BUG_MARK}${fn.name}: ${text.replaceAll('\n', ' ')}`;
}

function duckdbTypeOf(type: JsType): DuckDBType {
  const element = elementOf(type);
  return element === null ? scalarTypeOf(type as JsScalarType) : LIST(scalarTypeOf(element));
}

function scalarTypeOf(type: JsScalarType): DuckDBType {
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
    default:
      return unreachable(type, 'type of an engine function');
  }
}
