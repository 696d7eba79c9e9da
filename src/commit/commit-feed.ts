// Tells who keeps tables in shape that a table got a new version. Only a hint: whoever listens also looks by itself
// now and then, so that one that is lost does no harm.
import type { TableId } from '../base/ids.ts';

export type CommitListener = (tableIds: readonly TableId[]) => void;

export class CommitFeed {
  readonly #listeners = new Set<CommitListener>();

  listen(listener: CommitListener): void {
    this.#listeners.add(listener);
  }

  tell(tableIds: readonly TableId[]): void {
    for (const listener of this.#listeners) listener(tableIds);
  }
}
