// Chooses a function's signature for given argument types, and says in StarRocks' words when there is none.
import { fail } from '../../base/errors.ts';
import { printSqlType, type SqlType, STRING_LENGTH } from '../../model/sql-type.ts';
import {
  arrayOf,
  asDecimal,
  BIGINT,
  BOOLEAN,
  commonType,
  DATETIME,
  DOUBLE,
  implicitCastCost,
  isInteger,
  isNumeric,
  isString,
  isTemporal,
  NULL_TYPE,
} from '../types.ts';
import type {
  ArgumentShape,
  FunctionEntry,
  FunctionTable,
  ParameterSpec,
  Signature,
} from './entry.ts';
import { missingReason } from './missing.ts';

/** A signature chosen: what each argument must be converted to (null = leave it), and what comes out. */
export interface Resolved {
  readonly signature: Signature;
  readonly targets: readonly (SqlType | null)[];
  readonly result: SqlType;
}

type Bindings = Map<string, SqlType>;

/** @throws SQL_ANALYZE `No matching function with signature: f(int(11))`. */
export function resolveSignature(
  entry: FunctionEntry,
  name: string,
  args: readonly ArgumentShape[],
): Resolved {
  const resolved = matchSignature(entry, args);
  if (resolved !== undefined) return resolved;
  throw noMatch(
    name,
    args.map((arg) => arg.type),
    '',
  );
}

/** The nearest signature, undefined when none fits. */
export function matchSignature(
  entry: FunctionEntry,
  args: readonly ArgumentShape[],
): Resolved | undefined {
  const types = args.map((arg) => arg.type);
  let best: { resolved: Resolved; cost: number } | null = null;
  for (const signature of entry.signatures) {
    const tried = fitsForms(signature, args) ? trySignature(signature, types, args) : undefined;
    if (tried !== undefined && (best === null || tried.cost < best.cost)) best = tried;
  }
  return best?.resolved;
}

/** Most names that the error for an unknown function offers. */
const MAX_NEAREST = 3;

/** The error for an unknown function: why it is missing, or the nearest known names where some are near. */
export function unknownFunction(table: FunctionTable, name: string, types: readonly SqlType[]) {
  const reason = missingReason(name, (base) => table.get(base)?.kind === 'aggregate');
  if (reason !== undefined) return noMatch(name, types, `: not supported, ${reason}`);
  const limit = Math.max(1, Math.floor(name.length / 3)) + 1;
  const near = [...table.keys()]
    .map((known) => ({ known, distance: editDistance(name, known, limit) }))
    .filter(({ distance }) => distance < limit)
    .sort((a, b) => a.distance - b.distance || (a.known < b.known ? -1 : 1))
    .slice(0, MAX_NEAREST)
    .map(({ known }) => `'${known}'`);
  const [first, ...more] = near;
  if (first === undefined) return noMatch(name, types, '');
  const rest =
    more.length === 0
      ? `, the nearest known function is ${first}`
      : `, the nearest known functions are ${near.join(', ')}`;
  return noMatch(name, types, rest);
}

function noMatch(name: string, types: readonly SqlType[], rest: string) {
  const shown = types.map(printArgument).join(', ');
  return fail('SQL_ANALYZE', {
    detail: `No matching function with signature: ${name}(${shown})${rest}`,
  });
}

function printArgument(type: SqlType): string {
  return type.kind === 'VARCHAR' && type.length === STRING_LENGTH ? 'varchar' : printSqlType(type);
}

/** Lambdas and intervals stand exactly where a signature has them. */
function fitsForms({ parameters }: Signature, args: readonly ArgumentShape[]): boolean {
  return args.every(({ kind }, i) => {
    const wanted = parameters[Math.min(i, parameters.length - 1)]?.kind;
    if (kind === 'lambda' || kind === 'interval') return wanted === kind;
    return wanted !== 'lambda' && wanted !== 'interval';
  });
}

function trySignature(
  signature: Signature,
  types: readonly SqlType[],
  args: readonly ArgumentShape[],
): { resolved: Resolved; cost: number } | undefined {
  const { parameters, required, variadic } = signature;
  if (types.length < required || (!variadic && types.length > parameters.length)) return undefined;
  const specs = types.map((_, i) => parameters[Math.min(i, parameters.length - 1)]);
  const bindings: Bindings = new Map();
  for (const [i, spec] of specs.entries()) {
    const type = types[i];
    if (spec === undefined || type === undefined || !bind(spec, type, bindings)) return undefined;
  }
  let cost = 0;
  const targets: (SqlType | null)[] = [];
  for (const [i, spec] of specs.entries()) {
    const type = types[i];
    if (spec === undefined || type === undefined) return undefined;
    const fit = fitArgument(spec, type, bindings);
    if (fit === undefined) return undefined;
    cost += fit.cost;
    targets.push(fit.target);
  }
  const rule = signature.result;
  const result =
    typeof rule === 'function'
      ? rule(
          targets.map((target, i) => target ?? types[i] ?? NULL_TYPE),
          args,
        )
      : instantiate(rule, bindings);
  return { resolved: { signature, targets, result }, cost };
}

/** Collects what type variables stand for: the common type of everything in their places. */
function bind(spec: ParameterSpec, type: SqlType, bindings: Bindings): boolean {
  switch (spec.kind) {
    case 'variable': {
      const before = bindings.get(spec.name);
      const joined = before === undefined ? type : commonType(before, type);
      if (joined === undefined) return false;
      bindings.set(spec.name, joined);
      return true;
    }
    case 'array':
      if (type.kind === 'NULL') return true;
      return type.kind === 'ARRAY' && bind(spec.element, type.element, bindings);
    case 'map':
      if (type.kind === 'NULL') return true;
      return (
        type.kind === 'MAP' &&
        bind(spec.key, type.key, bindings) &&
        bind(spec.value, type.value, bindings)
      );
    default:
      return true;
  }
}

function instantiate(spec: ParameterSpec, bindings: Bindings): SqlType {
  switch (spec.kind) {
    case 'type':
      return spec.type;
    case 'variable':
      return bindings.get(spec.name) ?? NULL_TYPE;
    case 'array':
      return arrayOf(instantiate(spec.element, bindings));
    case 'map':
      return {
        kind: 'MAP',
        key: instantiate(spec.key, bindings),
        value: instantiate(spec.value, bindings),
      };
    default:
      return NULL_TYPE;
  }
}

function fitArgument(
  spec: ParameterSpec,
  type: SqlType,
  bindings: Bindings,
): { target: SqlType | null; cost: number } | undefined {
  switch (spec.kind) {
    case 'interval':
      return { target: null, cost: 0 };
    case 'lambda':
      if (spec.body === 'any') return { target: null, cost: 0 };
      return implicitCastCost(type, BOOLEAN) === undefined
        ? undefined
        : { target: BOOLEAN, cost: 0 };
    case 'array':
      // Elements of any type stay as they are.
      if (spec.element.kind === 'family') {
        if (type.kind === 'NULL') return { target: null, cost: 0 };
        if (type.kind !== 'ARRAY') return undefined;
        return fitFamily(spec.element.family, type.element) === undefined
          ? undefined
          : { target: null, cost: 0 };
      }
      return fitTarget(spec, type, bindings);
    case 'family':
      return fitFamily(spec.family, type);
    default:
      return fitTarget(spec, type, bindings);
  }
}

function fitTarget(
  spec: ParameterSpec,
  type: SqlType,
  bindings: Bindings,
): { target: SqlType; cost: number } | undefined {
  const target = instantiate(spec, bindings);
  const cost = implicitCastCost(type, target);
  return cost === undefined ? undefined : { target, cost };
}

function fitFamily(
  family: Extract<ParameterSpec, { kind: 'family' }>['family'],
  type: SqlType,
): { target: SqlType | null; cost: number } | undefined {
  const isNull = type.kind === 'NULL';
  switch (family) {
    case 'any':
      return { target: null, cost: 0 };
    case 'struct':
      return type.kind === 'STRUCT' ? { target: null, cost: 0 } : undefined;
    case 'number':
      if (isNumeric(type)) return { target: null, cost: 0 };
      if (type.kind === 'BOOLEAN') return { target: BIGINT, cost: 2 };
      return isNull || isString(type) || type.kind === 'JSON'
        ? { target: DOUBLE, cost: isNull ? 0 : 15 }
        : undefined;
    case 'integer':
      if (isInteger(type)) return { target: null, cost: 0 };
      return isNull || isString(type) || isNumeric(type) || type.kind === 'BOOLEAN'
        ? { target: BIGINT, cost: isNull ? 0 : 17 }
        : undefined;
    case 'decimal':
      if (type.kind === 'DECIMAL') return { target: null, cost: 0 };
      return isInteger(type) ? { target: asDecimal(type), cost: 7 } : undefined;
    case 'temporal':
      if (isTemporal(type)) return { target: null, cost: 0 };
      return isNull || isString(type) || isInteger(type)
        ? { target: DATETIME, cost: isNull ? 0 : 12 }
        : undefined;
  }
}

/** Levenshtein distance, given up above `limit`. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      current.push(
        Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + same),
      );
    }
    previous = current;
  }
  return previous[b.length] ?? limit;
}
