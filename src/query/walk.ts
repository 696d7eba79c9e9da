// Questions about typed expressions as a whole: does it aggregate, which relations does it read, are two
// of them the same. Read-only walks.
import { childrenOf, type TypedExpression } from './expression.ts';

/** The first part (itself included) for which `test` is true; parts of what `enter` refuses are not visited. */
export function findExpression(
  expression: TypedExpression,
  test: (part: TypedExpression) => boolean,
  enter: (part: TypedExpression) => boolean = () => true,
): TypedExpression | undefined {
  if (test(expression)) return expression;
  if (!enter(expression)) return undefined;
  for (const child of childrenOf(expression)) {
    const found = findExpression(child, test, enter);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Is there an aggregate that is not the function of a window? */
export function containsAggregate(expression: TypedExpression): boolean {
  return findExpression(expression, (part) => part.kind === 'aggregate') !== undefined;
}

export function containsWindow(expression: TypedExpression): boolean {
  return findExpression(expression, (part) => part.kind === 'window') !== undefined;
}

/** DuckDB's TRY refuses these inside it. */
export function refusesTry(expression: TypedExpression): boolean {
  return (
    mustRunOnce(expression) ||
    findExpression(expression, (part) => part.kind === 'aggregate' || part.kind === 'window') !==
      undefined
  );
}

/** Would it cost much more, or give something else, when computed twice: subqueries and random numbers. */
export function mustRunOnce(expression: TypedExpression): boolean {
  return (
    findExpression(expression, (part) => {
      switch (part.kind) {
        case 'scalar_subquery':
        case 'exists':
        case 'in_subquery':
          return true;
        case 'call':
          return ['rand', 'uuid', 'uuid_numeric'].includes(part.entry.names[0] ?? '');
        default:
          return false;
      }
    }) !== undefined
  );
}
