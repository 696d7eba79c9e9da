// How the JavaScript heap of each process may grow. Left alone, V8 sizes the space of new objects by the machine's
// memory and lets the heap grow to four times what lives before it collects, and keeps what it once took: under a
// steady load of small queries the FE went from 160 to 410 MB within minutes, without a leak.
import { availableParallelism } from 'node:os';
import type { ChildRole } from './child-process.ts';

interface HeapLimits {
  /** Limit of objects that live on, in MB; null = as V8 decides by the machine's memory. */
  readonly oldMb: number | null;
  /** Where many short statements run: small space of new objects, and a collection when the heap has doubled. */
  readonly isKeptSmall: boolean;
}

const HEAPS: Readonly<Record<'fe' | ChildRole, HeapLimits>> = {
  // Statements of 64 MB are parsed here: V8's own limit stays.
  fe: { oldMb: null, isKeptSmall: true },
  query: { oldMb: 256, isKeptSmall: true },
  // Few, large and reused buffers outside the heap.
  loader: { oldMb: 512, isKeptSmall: false },
  broker: { oldMb: 256, isKeptSmall: false },
};

/** One half of the space of new objects, in MB; the space takes up to three times that. */
const SMALL_SEMI_SPACE_MB = 4;
/** The heap grows by so much of what lived after a collection until the next one. */
const SMALL_GROWTH_PERCENT = 100;

/** The flags of Node that set a process's limits. */
export function heapFlags(role: 'fe' | ChildRole): string[] {
  const { oldMb, isKeptSmall } = HEAPS[role];
  return [
    ...(oldMb === null ? [] : [`--max-old-space-size=${oldMb}`]),
    ...(isKeptSmall
      ? [
          `--max-semi-space-size=${SMALL_SEMI_SPACE_MB}`,
          `--heap-growing-percent=${SMALL_GROWTH_PERCENT}`,
        ]
      : []),
  ];
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
