// Runs CHECK ROUTINE LOAD: reads ledger and positions at one moment, and the topics again up to there. Changes nothing;
// the job goes on.
import type { Clock } from '../../base/clock.ts';
import { toAppError } from '../../base/errors.ts';
import type { Catalog, LedgerRow } from '../../catalog/catalog.ts';
import type { LoadJobRecord } from '../../catalog/load-jobs.ts';
import type { KafkaLoadPlan } from '../../model/load-plan.ts';
import type { Recount, RecountPlan } from '../../model/recount.ts';
import {
  judgeChain,
  judgeLine,
  judgeRecount,
  type LedgerFinding,
  startOf,
} from './check-ledger.ts';
import { kafkaConnection } from './definition.ts';
import { parseDefinition, type TopicProbe } from './service.ts';
import { madeAgain, topicIdOf } from './topic-ids.ts';

export interface LedgerChecksOptions {
  readonly catalog: Catalog;
  readonly probe: TopicProbe;
  readonly recount: (
    plan: RecountPlan,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ) => Promise<Recount>;
  readonly planLoad: (job: LoadJobRecord) => Promise<KafkaLoadPlan>;
  readonly clock: Clock;
}

export interface PlacedFinding extends LedgerFinding {
  readonly topic: string;
  readonly partition: number;
}

export interface LedgerCheck {
  readonly findings: readonly PlacedFinding[];
  readonly partitions: number;
  /** Messages that were read again. */
  readonly messages: number;
  /** Partitions that could not be read: an error of each is why. */
  readonly failures: number;
}

/** The CN's own limit comes first. */
const ANSWER_MS = 60_000;
/** A line gets at least so long, whatever those before it took. */
const LEAST_MS = 1_000;

type Limits = { readonly limit: number | null; readonly timeMs: number };

export class LedgerChecks {
  readonly #options: LedgerChecksOptions;

  constructor(options: LedgerChecksOptions) {
    this.#options = options;
  }

  /**
   * `limit` bounds the messages that are read again of each line, `timeMs` all of it. Throws CANCELLED by the signal;
   * what keeps a topic from being read is an error among the findings.
   */
  async check(job: LoadJobRecord, limits: Limits, signal: AbortSignal): Promise<LedgerCheck> {
    const { catalog, clock } = this.#options;
    const { lines, positions } = await catalog.transaction(async ({ ledger, loadJobs }) => ({
      lines: await ledger.list(job.id),
      positions: await loadJobs.positions(job.id),
    }));
    const endMs = clock.monotonicMs() + limits.timeMs;
    const findings: PlacedFinding[] = [];
    const byPartition = Map.groupBy(lines, ({ topic, partition }) => `${partition}:${topic}`);
    let [messages, failures] = [0, 0];
    for (const own of byPartition.values()) {
      const [{ topic, partition } = { topic: '', partition: -1 }] = own;
      const add = (found: readonly LedgerFinding[]): void => {
        findings.push(...found.map((finding) => ({ ...finding, topic, partition })));
      };
      const position = positions.find((one) => one.topic === topic && one.partition === partition);
      for (const line of own) add(judgeLine(line));
      add(judgeChain(own, position?.nextOffset ?? null));
      if (position === undefined) {
        add([{ type: 'note', text: 'the job no longer reads it: not compared with the topic' }]);
        continue;
      }
      try {
        const read = await this.#readAgain(job, own, { ...limits, endMs }, signal);
        messages += read.messages;
        add(read.findings);
      } catch (thrown) {
        signal.throwIfAborted();
        failures += 1;
        add([{ type: 'error', text: toAppError(thrown).fullMessage }]);
      }
    }
    return { findings, partitions: byPartition.size, messages, failures };
  }

  async #readAgain(
    job: LoadJobRecord,
    lines: readonly LedgerRow[],
    { limit, endMs }: Limits & { readonly endMs: number },
    signal: AbortSignal,
  ): Promise<{ readonly findings: readonly LedgerFinding[]; readonly messages: number }> {
    const { catalog, probe, recount, planLoad, clock } = this.#options;
    const [{ topic, partition } = { topic: '', partition: -1 }] = lines;
    const definition = parseDefinition(job);
    const connection = await kafkaConnection(catalog, job.databaseId, definition);
    const { topicId } = await probe.topic(connection, topic);
    if (madeAgain(topicIdOf(definition, topic), topicId) !== null) {
      const text = 'the topic was deleted and made again: not checkable';
      return { findings: [{ type: 'warning', text }], messages: 0 };
    }
    const [firsts, ends] = await Promise.all([
      probe.offsets(connection, topic, [partition], 'earliest'),
      probe.offsets(connection, topic, [partition], 'latest'),
    ]);
    const bounds = { first: firsts.get(partition) ?? 0n, end: ends.get(partition) ?? 0n };
    const load = await planLoad(job);
    const findings: LedgerFinding[] = [];
    let messages = 0;
    for (const line of lines) {
      signal.throwIfAborted();
      const timeMs = Math.max(LEAST_MS, endMs - clock.monotonicMs());
      const fromOffset = startOf(line, bounds.first);
      const { toOffset } = line;
      const plan = { load, topic, partition, fromOffset, toOffset, limit, timeMs };
      const found = await recount(plan, { signal, timeoutMs: timeMs + ANSWER_MS });
      messages += found.messages;
      const judged = judgeRecount(line, bounds, found);
      const isLast = line === lines.at(-1);
      // Nobody knows which topic of that name an earlier segment was of.
      findings.push(
        ...judged.map((one) =>
          isLast || one.type !== 'error'
            ? one
            : {
                type: 'warning' as const,
                text: `segment ${line.segment}, read before the position was moved: ${one.text}`,
              },
        ),
      );
    }
    return { findings, messages };
  }
}
