// A process of its own for tests that kill one: opens a catalog and commits in a loop. It prints
// `open`, then after each commit that was answered one line with the offset reached.
import { systemClock } from '../../src/base/clock.ts';
import { armFailpoints } from '../../src/base/failpoints.ts';
import { asId, type JobId, type TableId } from '../../src/base/ids.ts';
import { systemRandom } from '../../src/base/random.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { CatalogCommitter } from '../../src/commit/committer.ts';
import { DEFAULT_COMMIT_LIMITS } from '../../src/commit/types.ts';
import { dataFileKey } from '../../src/model/file-key.ts';
import { carryOn, progressOf, TOPIC } from './catalog-fixture.ts';

const [dataDir, jobText, mode] = process.argv.slice(2);
const catalog = await openCatalog({
  dataDir: String(dataDir),
  clock: systemClock,
  random: systemRandom,
});
process.stdout.write('open\n');
if (mode === 'hold') setInterval(() => undefined, 1000);
else await commitForEver();

async function commitForEver(): Promise<void> {
  if (mode !== undefined && mode !== 'loop') armFailpoints(mode);
  const job = await catalog.loadJobs.byId(asId<JobId>(Number(jobText)));
  if (job === null) throw new Error('no job');
  const table = await catalog.tables.get('quickstart', 'site_clicks');
  const volume = await catalog.volumes.get('local');
  const committer = new CatalogCommitter({
    catalog,
    limits: DEFAULT_COMMIT_LIMITS,
    rejectedTable: asId<TableId>(3),
  });
  const partitions = [{ topic: TOPIC, partition: 0 }];
  const lease = await catalog.leases.grant({
    taskId: 'child',
    jobId: job.id,
    node: 'n',
    partitions,
  });
  let offset = (await catalog.loadJobs.positions(job.id))[0]?.nextOffset ?? 0n;
  for (;;) {
    const { taskId, epoch } = lease;
    const begun = await committer.begin({ taskId, epoch, coordinator: 'CN: n' });
    const progress = [progressOf(offset, { loaded: 3 })];
    const file = {
      volumeId: volume.id,
      key: dataFileKey(table.prefix, begun.transactionId, systemRandom.uuid()),
      sizeBytes: 10,
      rowCount: 3,
      columnStats: {},
    };
    const { transactionId } = begun;
    const tables = [{ tableId: table.id, files: [file] }];
    const batch = { transactionId, taskId, epoch, jobId: job.id, tables, progress };
    const result = await committer.commit({ ...batch, executeMs: 1, errorSamples: [] }, carryOn);
    if (result.state !== 'VISIBLE') throw new Error('not visible');
    offset += 3n;
    process.stdout.write(`${offset}\n`);
  }
}
