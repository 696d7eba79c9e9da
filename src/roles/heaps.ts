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
  /** `garbageCollector` may collect. */
  readonly collects: boolean;
}

/** One half of the space of new objects, in MB; the space takes up to three times that. */
const SMALL_SEMI_SPACE_MB = 4;
/** The heap grows by so much of what lived after a collection until the next one. */
const SMALL_GROWTH_PERCENT = 100;

const HEAPS: Readonly<Record<'fe' | ChildRole, HeapLimits>> = {
  // Statements of 64 MB are parsed here: V8's own limit stays.
  fe: { oldMb: null, isKeptSmall: true, collects: false },
  query: { oldMb: 256, isKeptSmall: true, collects: false },
  // A small heap with large buffers outside it, whose growth V8 counts as the heap's: with its own limit it collected
  // all 45 times for 1 GB of a body, a fifth of the CPU time of the load.
  loader: { oldMb: 512, isKeptSmall: true, collects: true },
  broker: { oldMb: 256, isKeptSmall: false, collects: false },
};

/** The flags of Node that set a process's limits. */
export function heapFlags(role: 'fe' | ChildRole): string[] {
  const { oldMb, isKeptSmall, collects } = HEAPS[role];
  return [
    ...(oldMb === null ? [] : [`--max-old-space-size=${oldMb}`]),
    ...(isKeptSmall
      ? [
          `--max-semi-space-size=${SMALL_SEMI_SPACE_MB}`,
          `--heap-growing-percent=${SMALL_GROWTH_PERCENT}`,
        ]
      : []),
    ...(collects ? ['--expose-gc'] : []),
  ];
}

/** So many bytes outside the heap may be garbage of new objects. */
const YOUNG_GARBAGE_BYTES = 4 * 1024 * 1024;
/** After so many bytes the results of the engine's statements are garbage of old objects, half a megabyte each. */
const OLD_GARBAGE_BYTES = 384 * 1024 * 1024;

/**
 * Told of bytes outside the heap that will soon be garbage (pieces of a body as the socket gives them), it has V8
 * collect new objects now and then: those are few and small, so that V8 itself does not for hundreds of megabytes. A
 * collection takes well below a millisecond. Old objects are collected now and then, too: the binding frees results of
 * statements when V8 finds them to be garbage, and V8 does not know how much memory of the engine they hold. Does
 * nothing in a process without the flag.
 */
export function garbageCollector(): (bytes: number) => void {
  const { gc } = globalThis;
  if (gc === undefined) return () => undefined;
  let young = 0;
  let old = 0;
  return (bytes) => {
    young += bytes;
    if (young < YOUNG_GARBAGE_BYTES) return;
    old += young;
    young = 0;
    const isMajor = old >= OLD_GARBAGE_BYTES;
    if (isMajor) old = 0;
    gc({ type: isMajor ? 'major' : 'minor', execution: 'sync' });
  };
}

/**
 * Environment of a child that bounds what its C allocators keep. glibc gives threads arenas of their own, eight times as
 * many as there are cores, and hardly gives back what lies in one: with one a core a loader takes 100 MB less and no
 * more CPU time. DuckDB brings jemalloc, which keeps what was freed for a second, in as many arenas: a loader runs few
 * statements at once, on any of 32 threads, and takes 40 to 100 MB less with one arena that keeps a fifth of a second.
 * Other C libraries do not know the variables.
 */
export function allocatorEnvironment(role: ChildRole): Readonly<Record<string, string>> {
  return {
    MALLOC_ARENA_MAX: String(Math.max(2, availableParallelism())),
    ...(role === 'loader'
      ? { DUCKDB_JE_MALLOC_CONF: 'narenas:1,dirty_decay_ms:200,muzzy_decay_ms:0' }
      : {}),
  };
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
