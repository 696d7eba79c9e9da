// What is wrong with a job that is not simply well: which failures heal by themselves and when they are tried again,
// and when a running job counts as UNSTABLE. Pure.
import type { AppError } from '../../base/errors.ts';
import type { LoadJobReason, LoadJobRecord, PositionRecord } from '../../catalog/load-jobs.ts';
import { HEALING_CAUSES } from './healing.ts';

/** Reason codes of ReasonOfStateChanged (StarRocks InternalErrorCode, and its SQL error codes). */
export const REASONS = {
  partitions: 4,
  manualPause: 100,
  manualStop: 101,
  tooManyFailureRows: 102,
  createTasks: 103,
  tasksAbort: 104,
  slowRunning: 105,
  offsetInvalid: 5607,
  parseError: 5611,
} as const;

/** Why a job is paused by the error, in StarRocks' words where it has some. */
export function pauseReason(error: AppError): LoadJobReason {
  const { offset, logEnd, partition } = error.fields;
  const message =
    isBehindEnd(error) && partition !== undefined
      ? `Consume offset: ${offset} is greater than the latest offset: ${logEnd} in kafka partition: ${partition}. You can modify 'kafka_offsets' property through ALTER ROUTINE LOAD and RESUME the job (${error.fullMessage})`
      : error.fullMessage;
  return { errCode: reasonCode(error), message };
}

/** Is the position one that the partition never had? */
function isBehindEnd({ code, fields }: AppError): boolean {
  const { offset, logEnd } = fields;
  return code === 'KAFKA_OFFSET_OUT_OF_RANGE' && BigInt(offset ?? 0) > BigInt(logEnd ?? 0);
}

/** StarRocks' number of what an error means for a job. */
export function reasonCode(error: AppError): number {
  switch (error.code) {
    case 'LOAD_TOO_MANY_FILTERED':
      return REASONS.tooManyFailureRows;
    case 'LOAD_PARSE_ERROR':
      return REASONS.parseError;
    case 'KAFKA_TOPIC_RECREATED':
      return REASONS.offsetInvalid;
    case 'KAFKA_UNKNOWN_TOPIC':
    case 'KAFKA_UNKNOWN_PARTITION':
      return REASONS.partitions;
    default:
      return isBehindEnd(error) ? REASONS.offsetInvalid : REASONS.tasksAbort;
  }
}

/** Bugs are tried again this often before a person is asked. */
const MAX_INTERNAL_ATTEMPTS = 3;
/** Times that a job which lacked memory is started again at once, each time with smaller batches. */
const MAX_MEMORY_ATTEMPTS = 4;

/** Does an error pause the job? Others are tried again, with back-off. `failures` in a row, this one too; `bugs` of them. */
export function pausesJob(
  { kind, code }: AppError,
  attempts: { readonly failures: number; readonly bugs: number },
): boolean {
  if (code === 'ENGINE_OUT_OF_MEMORY') return attempts.failures > MAX_MEMORY_ATTEMPTS;
  return kind === 'user' || attempts.bugs >= MAX_INTERNAL_ATTEMPTS;
}

const FIRST_RESUME_MS = 30_000;
const MAX_RESUME_MS = 600_000;

/** How long a job that was paused by the error waits before it resumes by itself; null = for a person. `failures` >= 1. */
export function resumeAfterMs(error: AppError, failures: number): number | null {
  if (error.kind === 'user' && HEALING_CAUSES[error.code] === undefined) return null;
  return Math.min(FIRST_RESUME_MS * 2 ** Math.min(failures - 1, 10), MAX_RESUME_MS);
}

/** Messages that wait, as last seen; 0 = none. */
export function messagesBehind(
  positions: readonly Pick<PositionRecord, 'nextOffset' | 'latestOffset'>[],
): bigint {
  return positions.reduce((sum, { nextOffset, latestOffset }) => {
    if (latestOffset === null || nextOffset < 0n || latestOffset <= nextOffset) return sum;
    return sum + (latestOffset - nextOffset);
  }, 0n);
}

/** Seconds between the last message that was loaded and now, where more wait; null = none waits, or none is known. */
export function lagSeconds(position: PositionRecord, nowMs: number): number | null {
  if (position.lastTimestampMs === null || messagesBehind([position]) === 0n) return null;
  return Math.max(0, Math.floor((nowMs - position.lastTimestampMs) / 1000));
}

/**
 * Why a running job is shown as UNSTABLE; null = it is well. By the lag in time SOURCE: StarRocks,
 * routine_load_unstable_threshold_second; by a stall (messages wait, nothing is committed) and by what Kafka is about to
 * delete Millrace only.
 */
export function unstableReason(
  { state, stalled }: Pick<LoadJobRecord, 'state' | 'stalled'>,
  positions: readonly PositionRecord[],
  limits: {
    readonly nowMs: number;
    readonly thresholdSeconds: number;
    /** Of messages that Kafka may delete before they are read. */
    readonly warning?: string | null;
  },
): LoadJobReason | null {
  if (state !== 'RUNNING') return null;
  if (stalled !== null) return { errCode: REASONS.slowRunning, message: stalled.message };
  for (const position of positions) {
    const lag = lagSeconds(position, limits.nowMs);
    if (lag === null || lag <= limits.thresholdSeconds) continue;
    const message = `The lag [${lag}] of partition [${position.partition}] exceeds Config.routine_load_unstable_threshold_second [${limits.thresholdSeconds}]`;
    return { errCode: REASONS.slowRunning, message };
  }
  const { warning = null } = limits;
  return warning === null ? null : { errCode: REASONS.slowRunning, message: warning };
}
