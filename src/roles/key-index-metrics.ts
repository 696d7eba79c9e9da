// The CN's key index as metrics of the FE: sizes as they are, counts by what came since the last look.
import type { KeyIndexFigures } from '../cluster/rpc/messages.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export class KeyIndexMetrics {
  readonly #metrics: Metrics;
  #last: KeyIndexFigures | null = null;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** Figures that are smaller than the last are those of a process that was started anew. */
  note(figures: KeyIndexFigures): void {
    const { files, bytes, memoryBytes } = figures;
    this.#metrics.set('millrace_key_index_files', files);
    this.#metrics.set('millrace_key_index_bytes', bytes, { where: 'disk' });
    this.#metrics.set('millrace_key_index_bytes', memoryBytes, { where: 'memory' });
    const came = (of: (some: KeyIndexFigures) => number): number => {
      const last = this.#last === null ? 0 : of(this.#last);
      return of(figures) >= last ? of(figures) - last : of(figures);
    };
    const builds = 'millrace_key_index_builds_total';
    this.#metrics.add(
      builds,
      came((some) => some.builds),
      { result: 'done' },
    );
    this.#metrics.add(
      builds,
      came((some) => some.failedBuilds),
      { result: 'failed' },
    );
    const lookUps = 'millrace_key_look_ups_total';
    this.#metrics.add(
      lookUps,
      came((some) => some.indexedLookUps),
      { path: 'index' },
    );
    this.#metrics.add(
      lookUps,
      came((some) => some.readLookUps),
      { path: 'files' },
    );
    this.#last = figures;
  }
}
