import type { ErrorCode } from '../../base/errors';
import type { Report } from '../../divergence/report';

/** What the shell sees. A run that could not be completed never looks like a verdict. */
export const EXIT_CODES = [
  { name: 'pass', code: 0, meaning: 'the engines agree, or only one ran and its values are finite' },
  {
    name: 'diverged',
    code: 1,
    meaning:
      'the engines diverge, a value is not finite, the comparison is incomplete, the run is not as its baseline, its bits change when it is repeated, or a kernel fails the self-test',
  },
  { name: 'usage', code: 2, meaning: 'wrong usage, a file that cannot be used, or a failed run' },
  { name: 'no-adapter', code: 3, meaning: 'no adapter of the kind asked for' },
  {
    name: 'cancelled',
    code: 130,
    meaning: 'interrupted (the process ends by the signal itself, which shells tell so)',
  },
] as const;

export type ExitName = (typeof EXIT_CODES)[number]['name'];

/** The exit status with this name. */
export function exitCode(name: ExitName): number {
  return EXIT_CODES.find((exit) => exit.name === name)?.code ?? 2;
}

/** The exit status of a failure. */
export function exitCodeOfError(code: ErrorCode): number {
  switch (code) {
    case 'gpu-unavailable':
    case 'gpu-adapter':
      return exitCode('no-adapter');
    case 'run-cancelled':
      return exitCode('cancelled');
    default:
      return exitCode('usage');
  }
}

/** The exit status of a finished run. One engine alone compares nothing and passes, as long as its values are finite. */
export function exitCodeOfReport(report: Report): number {
  const { status } = report.verdict;
  const passes = status === 'match' || (report.run.arms.length < 2 && status === 'incomplete');
  return exitCode(
    passes && report.baseline?.status !== 'moved' && report.repeat?.status !== 'unsteady' ? 'pass' : 'diverged',
  );
}
