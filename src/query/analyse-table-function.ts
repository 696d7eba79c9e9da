// Table functions in FROM: the entries of kind `table`, with named arguments where they take them.
import { printSqlType } from '../model/sql-type.ts';
import type * as ast from '../sql/ast/query.ts';
import { convertArguments } from './analyse-arguments.ts';
import type { TypedExpression } from './expression.ts';
import type { FunctionEntry } from './functions/entry.ts';
import { missingReason } from './functions/missing.ts';
import { matchSignature } from './functions/resolve.ts';
import {
  type AnalysedRelation,
  outputColumn,
  type RelationContext,
  renamed,
  single,
} from './relation-scope.ts';
import { analyzeError, EMPTY_SCOPE, type Scope } from './scope.ts';

/** @throws SQL_ANALYZE_AT for an unknown function, names it has not got, or arguments of types it does not take. */
export function analyseTableFunction(
  relation: ast.TableFunction,
  context: RelationContext,
  lateral: Scope | null,
): AnalysedRelation {
  const alias = context.analysis.nextAlias();
  const expressions = context.expressions(lateral ?? context.outer ?? EMPTY_SCOPE);
  const entry = context.analysis.functions.get(relation.name);
  const given = entry?.kind === 'table' ? inOrder(relation, entry) : relation.args;
  const args = given.map((arg) => expressions.analyse(arg.value, expressions));
  const resolved = entry?.kind === 'table' ? matchSignature(entry, args) : undefined;
  if (entry === undefined || resolved?.result.kind !== 'STRUCT') throw unknown(relation, args);
  const { signature, result } = resolved;
  // SOURCE: StarRocks names every column of unnest(a, b) `unnest` where no alias list names them.
  const columns = result.fields.map(({ name, type }, i) => outputColumn(alias, i, name, type));
  const call = {
    kind: 'call',
    type: result,
    entry,
    signature,
    args: convertArguments(args, resolved),
  } as const;
  return single(
    { kind: 'table_function', call, columns: columns.length, alias },
    {
      database: null,
      name: relation.alias ?? relation.name,
      alias,
      columns: renamed(columns, relation.columnAliases),
    },
  );
}

function unknown(relation: ast.TableFunction, args: readonly TypedExpression[]): Error {
  const reason = missingReason(relation.name, () => false);
  const rest = reason === undefined ? '' : `: not supported, ${reason}`;
  const types = args.map((arg) => printSqlType(arg.type)).join(', ');
  return analyzeError(`Unknown table function '${relation.name}(${types})'${rest}`, relation.pos);
}

/** Named arguments in the order of the parameters; all or none of them are named. */
function inOrder(
  { args, name, pos }: ast.TableFunction,
  { parameterNames }: FunctionEntry,
): readonly ast.TableFunctionArgument[] {
  if (args.every((arg) => arg.name === null)) return args;
  if (args.some((arg) => arg.name === null)) {
    throw analyzeError(`${name}: named arguments cannot be mixed with others`, pos);
  }
  const byName = new Map(args.map((arg) => [arg.name?.toLowerCase() ?? '', arg]));
  const known = parameterNames.filter((parameter) => byName.has(parameter));
  // Only the last ones may be left out.
  const isPrefix = known.every((parameter, i) => parameter === parameterNames[i]);
  if (byName.size !== args.length || known.length !== args.length || !isPrefix) {
    const possible =
      parameterNames.length === 0
        ? 'takes no named arguments'
        : `takes ${parameterNames.join(', ')}`;
    throw analyzeError(`${name} ${possible}`, pos);
  }
  return known.flatMap((parameter) => byName.get(parameter) ?? []);
}
