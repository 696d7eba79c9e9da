// Printing of SUBMIT TASK and DROP TASK.
import type { TaskStatement } from './ast/task.ts';
import { printDdl } from './print-ddl.ts';
import { printName, printPropertyList, printString, words } from './print-text.ts';

/** One of them as SQL. */
export function printTask(statement: TaskStatement): string {
  switch (statement.kind) {
    case 'submit_task': {
      const { hints, name, schedule, properties } = statement;
      const start =
        schedule === null || schedule.start === null ? '' : `START(${printString(schedule.start)})`;
      return words(
        'SUBMIT',
        ...hints.map((hint) => `/*+ ${hint} */`),
        'TASK',
        name !== null && printName(name),
        schedule !== null &&
          words('SCHEDULE', start, `EVERY(INTERVAL ${schedule.every} ${schedule.unit})`),
        properties.length > 0 && `PROPERTIES ${printPropertyList(properties)}`,
        `AS ${printDdl(statement.statement)}`,
      );
    }
    case 'drop_task':
      return words(
        'DROP TASK',
        statement.ifExists && 'IF EXISTS',
        printName(statement.name),
        statement.force && 'FORCE',
      );
  }
}
