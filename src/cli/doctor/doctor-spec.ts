import type { CommandSpec } from '../command-line/command-spec';
import { JSON_FILE } from '../command-line/shared-options';

/** `doctor` in the command table. */
export const DOCTOR = {
  name: 'doctor',
  operands: [],
  summary: 'say what this machine can run, and why not more',
  description:
    "Looks for WebGPU adapters (hardware and software, by Dawn under Node), for Chromium and the packages that drive it, and says what would run where: adapters with driver, features and limits, and the reason of each that is missing. The text has no names of people or files beyond the programs' own, so that it can be sent with a report of a fault. Exits with 3 where there is no adapter at all.",
  options: [JSON_FILE],
  examples: ['moescope doctor', 'moescope doctor --json doctor.json'],
} as const satisfies CommandSpec;
