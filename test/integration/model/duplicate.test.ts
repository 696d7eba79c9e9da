// Random histories of a DUPLICATE KEY table against a model in memory: see test/support/history-test.ts.
import { testHistories } from '../../support/history-test.ts';

testHistories('DUPLICATE');
