// What the bodies of all loads of a process may hold in memory together, and whose turn it is to read. Few loads read
// at once, so that each makes large batches; a sender that pauses gives its turn away; when there is no room, loads
// that wait for their senders stage what they have. Must never make loads wait for each other in a circle: when
// nothing else is left to end, the load that holds most goes on.
import { orAborted } from '../../../base/queue.ts';

/** One load's part. */
export interface BodyHolder {
  /** Bytes of pages that it has not handed on for staging. */
  readonly heldBytes: number;
  /** Whether it waits for its sender, or its turn, with whole rows in hand. */
  readonly canFlush: boolean;
  /** Stage what there is, now. */
  flush(): void;
}

interface Waiter {
  readonly holder: BodyHolder;
  readonly bytes: number;
  grant(): void;
}

/** Loads that fill batches at once. */
const FILLING_AT_ONCE = 4;
/** What the first pages of all loads may be of the limit: the rest is for loads that have begun. */
const FIRST_PAGES_SHARE = 0.5;
/** What a batch may be of the limit: of the only load (two staged, one read), and of one of many. */
const BATCHES_OF_ONE = 3;
const BATCHES_OF_MANY = 6;

export class BodyMemory {
  readonly limitBytes: number;
  readonly #holders = new Set<BodyHolder>();
  readonly #waiting: Waiter[] = [];
  readonly #turns: (() => void)[] = [];
  #filling = 0;
  #usedBytes = 0;
  /** Those of them that are being staged, and will be given back whatever senders do. */
  #stagingBytes = 0;
  #peakBytes = 0;
  /** The load that was let in though there was no room. */
  #beyond: BodyHolder | null = null;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** The most that was in use at once. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  get hasLoads(): boolean {
    return this.#holders.size > 0;
  }

  /** How large a batch may be now. */
  get batchBytes(): number {
    return this.limitBytes / (this.#holders.size > 1 ? BATCHES_OF_MANY : BATCHES_OF_ONE);
  }

  /** A load begins; call the result when nothing is left of it. */
  enter(holder: BodyHolder): () => void {
    this.#holders.add(holder);
    return () => {
      this.#holders.delete(holder);
      this.#wake();
    };
  }

  /** Counts `bytes` for the holder if there is room for them now. */
  tryTake(holder: BodyHolder, bytes: number): boolean {
    if (this.#waiting.length > 0 || !this.#hasRoom(holder, bytes)) return false;
    this.#count(bytes);
    return true;
  }

  /** A load that begins waits for those that have begun, however little they hold, where they are many. */
  #hasRoom({ heldBytes }: BodyHolder, bytes: number, begun = this.#begun()): boolean {
    if (this.#usedBytes + bytes > this.limitBytes) return false;
    return heldBytes > 0 || (begun + 1) * bytes <= this.limitBytes * FIRST_PAGES_SHARE;
  }

  /** Loads that hold something. */
  #begun(): number {
    let begun = 0;
    for (const { heldBytes } of this.#holders) if (heldBytes > 0) begun += 1;
    return begun;
  }

  /** Counts `bytes` for the holder as soon as there is room for them. Rejects with the signal's reason. */
  async take(holder: BodyHolder, bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter: Waiter = {
      holder,
      bytes,
      grant: () => {
        this.#count(bytes);
        resolve();
      },
    };
    this.#waiting.push(waiter);
    this.#wake();
    try {
      await orAborted(promise, signal);
    } catch (thrown) {
      const at = this.#waiting.indexOf(waiter);
      if (at >= 0) this.#waiting.splice(at, 1);
      // It was granted in the same moment.
      else this.give(bytes);
      this.#wake();
      throw thrown;
    }
  }

  /** Counts bytes that are held already. */
  force(bytes: number): void {
    this.#count(bytes);
  }

  /** A load waits, and could flush. */
  idle(): void {
    if (this.#waiting.length > 0) this.#wake();
  }

  /** Bytes that a load held while it read are not in use any more. */
  give(bytes: number): void {
    this.#usedBytes -= bytes;
    this.#wake();
  }

  /** Of bytes in use: they are a batch that is staged. Call the result when they are free. */
  stage(bytes: number): () => void {
    this.#stagingBytes += bytes;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#stagingBytes -= bytes;
      this.give(bytes);
    };
  }

  /** Asks for a turn to fill a batch. The promise resolves in the order asked; `leave` at any time, once. */
  turn(): { readonly ready: Promise<void>; leave(): void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    let state: 'waiting' | 'filling' | 'left' = 'waiting';
    const start = (): void => {
      state = 'filling';
      this.#filling += 1;
      resolve();
    };
    if (this.#filling < FILLING_AT_ONCE && this.#turns.length === 0) start();
    else this.#turns.push(start);
    return {
      ready: promise,
      leave: () => {
        if (state === 'waiting') {
          const at = this.#turns.indexOf(start);
          if (at >= 0) this.#turns.splice(at, 1);
        } else if (state === 'filling') {
          this.#filling -= 1;
          if (this.#filling < FILLING_AT_ONCE) this.#turns.shift()?.();
        }
        state = 'left';
      },
    };
  }

  #count(bytes: number): void {
    this.#usedBytes += bytes;
    if (this.#usedBytes > this.#peakBytes) this.#peakBytes = this.#usedBytes;
  }

  /** Lets in those for whom there is room; where there is none, and none will come, one of them all the same. */
  #wake(): void {
    // Counted once: there may be a thousand loads. Those that are let in hold nothing yet.
    let begun = this.#waiting.length > 0 ? this.#begun() : 0;
    for (;;) {
      const at = this.#waiting.findIndex(({ holder, bytes }) =>
        this.#hasRoom(holder, bytes, begun),
      );
      const [next] = at < 0 ? [] : this.#waiting.splice(at, 1);
      if (next === undefined) break;
      if (next.holder.heldBytes === 0) begun += 1;
      next.grant();
    }
    if (this.#waiting.length === 0 || this.#stagingBytes > 0) return;
    const idle = [...this.#holders].filter(({ canFlush }) => canFlush);
    if (idle.length > 0) {
      idle.reduce((a, b) => (b.heldBytes > a.heldBytes ? b : a)).flush();
      return;
    }
    // One at a time: what it has begun, such as a document of many megabytes, must come to an end.
    const beyond = this.#beyond;
    const isFree = beyond === null || !this.#holders.has(beyond) || beyond.heldBytes === 0;
    const most = isFree
      ? this.#waiting.reduce((a, b) => (b.holder.heldBytes > a.holder.heldBytes ? b : a))
      : this.#waiting.find(({ holder }) => holder === beyond);
    if (most === undefined) return;
    this.#beyond = most.holder;
    this.#waiting.splice(this.#waiting.indexOf(most), 1);
    most.grant();
  }
}
