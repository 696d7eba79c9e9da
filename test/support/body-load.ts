// Runs loads of bodies on a pipeline fixture, without a door or an FE. For tests and benchmarks only.
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { StagedLoad } from '../../src/model/insert-plan.ts';
import type { BodyLoadPlan, BodySourceSpec, StagedTable } from '../../src/model/load-plan.ts';
import { type BodyServices, runBodyLoad } from '../../src/pipeline/body-run.ts';
import { ConnectionPool } from '../../src/pipeline/connection-pool.ts';
import { BodyMemory } from '../../src/pipeline/source/body/body-memory.ts';
import { BodyPages } from '../../src/pipeline/source/body/body-pages.ts';
import { makePlan, type PipelineFixture, type PlanOptions } from './pipeline-fixture.ts';

export interface BodyPlanOptions extends PlanOptions {
  readonly source?: Partial<BodySourceSpec>;
  readonly maxFilterRatio?: number;
}

/** As makePlan, for a body without limits that matter. */
export function makeBodyPlan(options: BodyPlanOptions): BodyLoadPlan {
  return {
    ...makePlan(options),
    jobId: null,
    jobName: 'label',
    source: {
      kind: 'body',
      compression: 'none',
      skipHeader: 0,
      maxBytes: 2 ** 40,
      maxDocumentBytes: 100 * 1024 * 1024,
      idleTimeoutMs: 60_000,
      ...options.source,
    },
    maxFilterRatio: options.maxFilterRatio ?? 0,
  };
}

export type BodyRow = Readonly<Record<string, string | null>>;

export class BodyRig {
  readonly fixture: PipelineFixture;
  readonly memory: BodyMemory;
  readonly services: BodyServices;

  constructor(fixture: PipelineFixture, limitBytes: number, clock: Clock = systemClock) {
    this.fixture = fixture;
    this.memory = new BodyMemory(limitBytes);
    this.services = {
      clock,
      memory: { memory: this.memory, pages: new BodyPages() },
      connections: new ConnectionPool(fixture.engine, 2),
      scratch: fixture.scratch,
      spoolDirectory: fixture.directory,
      random: systemRandom,
      onBytes: () => undefined,
      openStager: async (plan) => fixture.stager(plan),
    };
  }

  load(
    plan: BodyLoadPlan,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<StagedLoad> {
    return runBodyLoad(plan, this.fixture.begin(), body, this.services, signal);
  }

  /** What was staged for a table, values as text. */
  async rows(
    tables: readonly StagedTable[],
    tableId: StagedTable['tableId'],
    sql = 'SELECT COLUMNS(*)::VARCHAR',
  ): Promise<readonly BodyRow[]> {
    const files = tables.filter((t) => t.tableId === tableId).flatMap((t) => t.files);
    if (files.length === 0) return [];
    const list = files.map(({ key }) => `'${join(this.fixture.directory, 'volume', key)}'`);
    const rows = await this.fixture.connection.objects(
      `${sql} FROM read_parquet([${list.join(', ')}])`,
    );
    return rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, value === null ? null : String(value)]),
      ),
    );
  }

  async close(): Promise<void> {
    await this.services.connections.close();
  }
}

/** The bytes in pieces whose lengths `pieceBytes` gives. */
export async function* pieces(
  body: string | Buffer,
  pieceBytes: () => number,
): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + Math.max(1, pieceBytes()));
    yield bytes.subarray(at, end);
    at = end;
  }
}
