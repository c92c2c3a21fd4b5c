import { dirname, resolve } from 'node:path';
import type { SuiteModel } from '../../regression/suite';
import { isUrl, SAMPLE_NAME } from '../files/open-model';

/** Where a suite's model is: paths are relative to the suite's file. */
export function modelOf({ file }: SuiteModel, suiteFile: string): string {
  return isUrl(file) || file === SAMPLE_NAME ? file : resolve(dirname(suiteFile), file);
}
