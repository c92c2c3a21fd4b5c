import type { Flag } from '../command-line/option';

export const SCAN: Flag = {
  name: 'scan',
  help: 'read every block of the file, and name NaN, infinite, blank, doubled and odd weights by tensor and expert',
};
