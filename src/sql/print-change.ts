// Printing of DELETE and UPDATE.
import type { ChangeStatement } from './ast/change.ts';
import { printExpression, printRelation, printWith } from './print.ts';
import { printPartitionNames } from './print-query.ts';
import { printIdentifier, printName, words } from './print-text.ts';

/** DELETE or UPDATE as SQL. */
export function printChange(statement: ChangeStatement): string {
  const hints = statement.hints.map((hint) => `/*+ ${hint} */`);
  const where = statement.where !== null && `WHERE ${printExpression(statement.where)}`;
  switch (statement.kind) {
    case 'delete':
      return words(
        printWith(statement),
        'DELETE',
        ...hints,
        'FROM',
        printName(statement.table),
        printPartitionNames(statement.partitions),
        statement.using !== null && `USING ${printRelation(statement.using)}`,
        where,
      );
    case 'update': {
      const assignments = statement.assignments.map(
        ({ qualifier, column, value }) =>
          `${[...qualifier, column].map(printIdentifier).join('.')} = ${printExpression(value)}`,
      );
      return words(
        printWith(statement),
        'UPDATE',
        ...hints,
        printName(statement.table),
        `SET ${assignments.join(', ')}`,
        statement.from !== null && `FROM ${printRelation(statement.from)}`,
        where,
      );
    }
  }
}
