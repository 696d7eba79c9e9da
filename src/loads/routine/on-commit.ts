// What Routine Load does inside a commit's SQL transaction: the error rules of max_filter_ratio and
// max_error_number. Good rows of the batch are committed first, then the job pauses (StarRocks 1.7).
import { fail } from '../../base/errors.ts';
import type { CommitHooks } from '../../commit/types.ts';
import { propertyOf } from '../properties.ts';
import { REASONS } from './health.ts';
import { JOB_PROPERTIES } from './properties.ts';
import { parseDefinition } from './service.ts';

/** The error window is this many times max_batch_rows. */
const WINDOW_BATCHES = 10;

export const routineLoadHooks: CommitHooks = {
  async onCommit(scope, { request, job, rowsLoaded, rowsFiltered }) {
    const definition = parseDefinition(job);
    const value = (key: keyof typeof JOB_PROPERTIES): number =>
      Number(propertyOf(JOB_PROPERTIES, definition.properties, key));
    const maxFilterRatio = value('max_filter_ratio');
    const rows = rowsLoaded + rowsFiltered;
    if (maxFilterRatio < 1 && rowsFiltered > rows * maxFilterRatio) {
      // The batch is not kept, so neither are its rejected rows: a few are shown here.
      const samples = request.errorSamples.join('; ');
      const counts = { filtered: rowsFiltered, rows, ratio: maxFilterRatio };
      throw fail('LOAD_TOO_MANY_FILTERED', { ...counts, samples });
    }
    const maxErrors = value('max_error_number');
    if (job.windowErrorRows > maxErrors) {
      await scope.loadJobs.setState(job.id, ['NEED_SCHEDULE', 'RUNNING'], 'PAUSED', {
        errCode: REASONS.tooManyFailureRows,
        message: `Current error rows: ${job.windowErrorRows} is more than max error num: ${maxErrors}`,
      });
      return { continueTask: false };
    }
    if (job.windowTotalRows > WINDOW_BATCHES * value('max_batch_rows')) {
      await scope.loadJobs.resetWindow(job.id);
    }
    return { continueTask: true };
  },
};
