// How the JavaScript heap of each process may grow. Left alone, V8 sizes the space of new objects by the machine's
// memory and lets the heap grow to four times what lives before it collects, and keeps what it once took: under a
// steady load of small queries the FE went from 160 to 410 MB within minutes, without a leak.
import { availableParallelism } from 'node:os';
import type { ChildRole } from './child-process.ts';

interface HeapLimits {
  /** Limit of objects that live on, in MB; null = as V8 decides by the machine's memory. */
  readonly oldMb: number | null;
  /** Small space of new objects, and a collection when the heap has doubled. */
  readonly isKeptSmall: boolean;
  /** `youngCollector` may collect new objects. */
  readonly collectsYoung: boolean;
}

/** One half of the space of new objects, in MB; the space takes up to three times that. */
const SMALL_SEMI_SPACE_MB = 4;
/** The heap grows by so much of what lived after a collection until the next one. */
const SMALL_GROWTH_PERCENT = 100;

const HEAPS: Readonly<Record<'fe' | ChildRole, HeapLimits>> = {
  // Statements of 64 MB are parsed here: V8's own limit stays.
  fe: { oldMb: null, isKeptSmall: true, collectsYoung: false },
  query: { oldMb: 256, isKeptSmall: true, collectsYoung: false },
  // A small heap with large buffers outside it, whose growth V8 counts as the heap's: with its own limit it collected
  // all 45 times for 1 GB of a body, a fifth of the CPU time of the load.
  loader: { oldMb: 512, isKeptSmall: true, collectsYoung: true },
  broker: { oldMb: 256, isKeptSmall: false, collectsYoung: false },
};

/** The flags of Node that set a process's limits. */
export function heapFlags(role: 'fe' | ChildRole): string[] {
  const { oldMb, isKeptSmall, collectsYoung } = HEAPS[role];
  return [
    ...(oldMb === null ? [] : [`--max-old-space-size=${oldMb}`]),
    ...(isKeptSmall
      ? [
          `--max-semi-space-size=${SMALL_SEMI_SPACE_MB}`,
          `--heap-growing-percent=${SMALL_GROWTH_PERCENT}`,
        ]
      : []),
    ...(collectsYoung ? ['--expose-gc'] : []),
  ];
}

/** So many bytes outside the heap may be garbage of new objects. */
const YOUNG_GARBAGE_BYTES = 4 * 1024 * 1024;

/**
 * Told of bytes outside the heap that will soon be garbage (pieces of a body as the socket gives them), it has V8
 * collect new objects now and then: those are few and small, so that V8 itself does not for hundreds of megabytes. A
 * collection takes well below a millisecond. Does nothing in a process without the flag.
 */
export function youngCollector(): (bytes: number) => void {
  const { gc } = globalThis;
  if (gc === undefined) return () => undefined;
  let pending = 0;
  return (bytes) => {
    pending += bytes;
    if (pending < YOUNG_GARBAGE_BYTES) return;
    pending = 0;
    gc({ type: 'minor', execution: 'sync' });
  };
}

/**
 * Environment of a child that bounds what its C allocator keeps: glibc gives threads arenas of their own, eight times
 * as many as there are cores, and hardly gives back what lies in one. With one a core a loader takes 100 MB less and
 * no more CPU time. Other C libraries do not know the variable.
 */
export function allocatorEnvironment(): Readonly<Record<string, string>> {
  return { MALLOC_ARENA_MAX: String(Math.max(2, availableParallelism())) };
}

/**
 * Starts this very process anew (same pid, arguments and streams) with the FE's flags, where it does not run with
 * them yet: V8 takes them at its start only, and whoever starts a server should not need to know them. A size that
 * was given on the command line of Node stays.
 */
export function startWithHeapFlags(): void {
  const given = new Set(process.execArgv.map(nameOf));
  const missing = heapFlags('fe').filter((flag) => !given.has(nameOf(flag)));
  // Windows cannot replace a process: there V8's own sizes stay.
  if (missing.length === 0 || process.platform === 'win32') return;
  const args = [...missing, ...process.execArgv, ...process.argv.slice(1)];
  process.execve?.(process.execPath, [process.argv0, ...args]);
}

/** V8 takes `-` and `_` for the same. */
function nameOf(flag: string): string {
  return (flag.split('=')[0] ?? '').replaceAll('_', '-');
}
