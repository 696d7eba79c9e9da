// Table functions in FROM: unnest of one or several arrays, generate_series.
import { present } from '../base/assert.ts';
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import type * as ast from '../sql/ast/query.ts';
import { coerce } from './coerce.ts';
import type { TypedExpression } from './expression.ts';
import { resolveSignature } from './functions/resolve.ts';
import {
  type AnalysedRelation,
  outputColumn,
  type RelationContext,
  renamed,
  single,
} from './relation-scope.ts';
import { analyzeError, EMPTY_SCOPE, type Scope } from './scope.ts';
import { BIGINT } from './types.ts';

/** @throws SQL_ANALYZE_AT for an unknown function or arguments of types it does not take. */
export function analyseTableFunction(
  relation: ast.TableFunction,
  context: RelationContext,
  lateral: Scope | null,
): AnalysedRelation {
  const alias = context.analysis.nextAlias();
  const expressions = context.expressions(lateral ?? context.outer ?? EMPTY_SCOPE);
  const list = LISTED[relation.name];
  // unnest_bitmap(b) is unnest(bitmap_to_array(b)).
  const args = relation.args
    .map((arg) => expressions.analyse(arg.value, expressions))
    .map((arg) => (list === undefined ? arg : listCall(list, relation, arg, context)));
  const types = tableFunctionTypes(relation, args);
  const isUnnest = relation.name === 'unnest' || list !== undefined;
  const converted = isUnnest ? args : args.map((arg) => coerce(arg, BIGINT));
  const name = isUnnest ? 'unnest' : 'generate_series';
  // SOURCE: StarRocks names every column of unnest(a, b) `unnest` where no alias list names them.
  const columns = types.map((type, i) => outputColumn(alias, i, relation.name, type));
  return single(
    { kind: 'table_function', function: name, args: converted, alias },
    {
      database: null,
      name: relation.alias ?? relation.name,
      alias,
      columns: renamed(columns, relation.columnAliases),
    },
  );
}

/** Table functions that give the elements of what a scalar function makes of their one argument. */
const LISTED: Readonly<Record<string, string>> = { unnest_bitmap: 'bitmap_to_array' };

function listCall(
  name: string,
  relation: ast.TableFunction,
  arg: TypedExpression,
  context: RelationContext,
): TypedExpression {
  const entry = present(context.analysis.functions.get(name), name);
  const { signature, result } = resolveSignature(entry, relation.name, [arg]);
  return { kind: 'call', type: result, entry, signature, args: [arg] };
}

function tableFunctionTypes(
  relation: ast.TableFunction,
  args: readonly TypedExpression[],
): readonly SqlType[] {
  const arrays = args.flatMap((arg) => (arg.type.kind === 'ARRAY' ? [arg.type.element] : []));
  const named = relation.args.some((arg) => arg.name !== null);
  const isArrays = !named && arrays.length > 0 && arrays.length === args.length;
  if (isArrays && relation.name === 'unnest') return arrays;
  if (isArrays && relation.name in LISTED && args.length === 1) return arrays;
  if (!named && relation.name === 'generate_series' && args.length >= 2 && args.length <= 3) {
    return [BIGINT];
  }
  throw analyzeError(
    `Unknown table function '${relation.name}(${args.map((arg) => printSqlType(arg.type)).join(', ')})'`,
    relation.pos,
  );
}
