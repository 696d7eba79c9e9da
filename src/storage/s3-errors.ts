// What an S3 call failed with -> an AppError that says what a person can do, or that it is worth another
// try. Never lets a secret into a message: only codes, status and the server's own text are used.
import { type AppError, fail } from '../base/errors.ts';

export interface S3Failure {
  /** The server's or client's error code, such as NoSuchBucket or ECONNREFUSED. */
  readonly code: string;
  /** HTTP status, 0 when there was no answer. */
  readonly status: number;
  readonly message: string;
}

/** The parts of an SDK error that matter. HEAD answers carry no body: their code is then the status. */
export function readFailure(thrown: unknown): S3Failure {
  if (!(thrown instanceof Error)) return { code: 'Unknown', status: 0, message: String(thrown) };
  const status = statusOf(thrown);
  const systemCode = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  // A refused dual-stack connect is an AggregateError with an empty message.
  const inner = thrown instanceof AggregateError ? thrown.errors[0] : undefined;
  const message = thrown.message || (inner instanceof Error ? inner.message : thrown.name);
  return { code: systemCode || thrown.name, status, message };
}

function statusOf(error: Error): number {
  if (!('$metadata' in error) || typeof error.$metadata !== 'object' || error.$metadata === null)
    return 0;
  const { $metadata: metadata } = error;
  if (!('httpStatusCode' in metadata)) return 0;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : 0;
}

export interface S3Place {
  /** For messages: bucket and endpoint. */
  readonly where: string;
  readonly bucket: string;
  readonly endpoint: string;
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
]);

/** Codes (SOURCE: Amazon S3 error responses) that only a person can mend: [what is wrong, what to do]. */
function userFault(failure: S3Failure, place: S3Place): readonly [string, string] | null {
  switch (failure.code) {
    case 'NoSuchBucket':
      return [`bucket '${place.bucket}' does not exist`, 'create the bucket, or correct LOCATIONS'];
    case 'InvalidAccessKeyId':
    // versitygw's name for it.
    case 'XAdminUserNotFound':
      return ['the access key is not known there', 'correct aws.s3.access_key'];
    case 'SignatureDoesNotMatch':
      return ['the secret key is wrong', 'correct aws.s3.secret_key'];
    case 'AccessDenied':
    case 'Forbidden':
    case 'AllAccessDisabled':
      return [
        `access denied (${failure.message})`,
        'let this access key list, read, write and delete in the bucket, and check the keys',
      ];
    case 'AuthorizationHeaderMalformed':
    case 'PermanentRedirect':
    case 'IllegalLocationConstraintException':
      return [`the bucket is in another region (${failure.message})`, 'correct aws.s3.region'];
    case 'RequestTimeTooSkewed':
      return ["this machine's clock is wrong", 'set the clock'];
    case 'ExpiredToken':
    case 'InvalidToken':
    case 'CredentialsProviderError':
      return [`no valid credentials (${failure.message})`, 'renew or set the credentials'];
    case 'InvalidBucketName':
      return [`'${place.bucket}' is no valid bucket name`, 'correct LOCATIONS'];
    default:
      break;
  }
  if (failure.status === 401 || failure.status === 403)
    return [
      `access denied (HTTP ${failure.status})`,
      'check the access key, the secret key and their rights',
    ];
  return null;
}

/** The error of a failed call at `step` on `key` ('' for none). 404 for an object is OBJECT_NOT_FOUND. */
export function s3Error(thrown: unknown, step: string, key: string, place: S3Place): AppError {
  const failure = readFailure(thrown);
  const { where } = place;
  const fault = userFault(failure, place);
  if (fault !== null)
    return fail('STORAGE_ACCESS', { where, step, detail: fault[0], hint: fault[1] }, thrown);
  if (failure.code === 'NoSuchKey' || failure.code === 'NotFound')
    return fail('OBJECT_NOT_FOUND', { key, where }, thrown);
  if (UNREACHABLE.has(failure.code)) {
    const detail = `endpoint ${place.endpoint} is not reachable (${failure.code})`;
    return fail('STORAGE_UNAVAILABLE', { where, step, detail }, thrown);
  }
  const answer = failure.status === 0 ? failure.code : `HTTP ${failure.status} ${failure.code}`;
  const detail = `${answer}: ${failure.message}`;
  // Other 4xx (but throttling and time-outs) do not get better by themselves.
  const { status } = failure;
  if (status >= 400 && status < 500 && ![408, 409, 425, 429].includes(status))
    return fail('STORAGE_ACCESS', { where, step, detail, hint: 'is this an S3 endpoint?' }, thrown);
  return fail('STORAGE_UNAVAILABLE', { where, step, detail }, thrown);
}
