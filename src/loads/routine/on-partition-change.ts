// Routine Load jobs whose table gets or loses partitions: their tasks lose their leases in the same SQL
// transaction and are planned anew over the partitions that are there then.
import type { PartitionHooks } from '../../commit/partition-commit.ts';

export const routineLoadPartitionHooks: PartitionHooks = {
  async onPartitionChange(scope, table) {
    await scope.leases.revokeTable(table.id, `the partitions of table ${table.name} changed`);
  },
};
