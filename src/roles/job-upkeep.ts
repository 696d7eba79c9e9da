// What the FE does for Routine Load jobs beside their tasks, now and then: looks how long Kafka keeps what was not read,
// and copies positions to consumer groups.
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/load.ts';
import { GroupOffsetCopies, type GroupProbe } from '../loads/routine/group-offsets.ts';
import { type RetentionProbe, RetentionWatch } from '../loads/routine/retention-watch.ts';

/** What it asks Kafka. */
export type UpkeepProbe = RetentionProbe & GroupProbe;

export interface JobUpkeep {
  readonly retention: RetentionWatch;
  start(): void;
  stop(): Promise<void>;
}

/** As often as positions are copied at most: least value of auto.commit.interval.ms. */
const COPY_EVERY_MS = 5_000;

export function makeJobUpkeep(options: {
  readonly catalog: Catalog;
  readonly probe: UpkeepProbe;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: Config;
}): JobUpkeep {
  const { clock, config } = options;
  const retention = new RetentionWatch({
    ...options,
    warnMs: () => config.int('routine_load_retention_warning_second') * 1000,
  });
  const copies = new GroupOffsetCopies(options);
  const timers: { cancel(): void }[] = [];
  return {
    retention,
    start: () => {
      const everyMs = config.int('routine_load_retention_check_second') * 1000;
      timers.push(
        clock.every(everyMs, () => void retention.look()),
        clock.every(COPY_EVERY_MS, () => void copies.copy()),
      );
      void retention.look();
    },
    stop: async () => {
      for (const timer of timers) timer.cancel();
      await Promise.all([retention.stop(), copies.stop()]);
    },
  };
}
