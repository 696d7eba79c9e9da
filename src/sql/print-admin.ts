// Printing of the small statements about the server.
import type { AdminStatement } from './ast/admin.ts';
import { printIdentifier, printName, printNames, printString, words } from './print-text.ts';

/** One of them as SQL. */
export function printAdmin(statement: AdminStatement): string {
  switch (statement.kind) {
    case 'analyze_table':
      return words(
        `ANALYZE TABLE ${printName(statement.table)}`,
        statement.columns.length > 0 && `(${printNames(statement.columns)})`,
      );
    case 'check_table':
      return words(
        `CHECK TABLE ${statement.tables.map(printName).join(', ')}`,
        statement.deep && 'EXTENDED',
      );
    case 'admin_sweep':
      return words('ADMIN SWEEP', statement.dryRun && 'DRY RUN');
    case 'sync':
      return 'SYNC';
    case 'help':
      return words('HELP', statement.topic !== null && printString(statement.topic));
    case 'lock_tables': {
      const tables = statement.tables.map(
        ({ table, write }) => `${printName(table)} ${write ? 'WRITE' : 'READ'}`,
      );
      return `LOCK TABLES ${tables.join(', ')}`;
    }
    case 'unlock_tables':
      return 'UNLOCK TABLES';
    case 'set_catalog':
      return `SET CATALOG ${printIdentifier(statement.name)}`;
  }
}
