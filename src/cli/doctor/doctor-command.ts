import type { CommandRunner } from '../command-line/command-runner';
import { exitCode } from '../command-line/exit-codes';
import { JSON_FILE } from '../command-line/shared-options';
import { checkOutputs, writeOutput } from '../files/output';
import { doctorText } from './doctor-text';
import { examine } from './examine';

/** `moescope doctor`: what this machine can run. */
export const doctorCommand: CommandRunner = async (args, terminal) => {
  const file = args.get(JSON_FILE);
  await checkOutputs([file]);
  const found = await examine();
  if (file !== undefined) await writeOutput(file, `${JSON.stringify(found, undefined, 2)}\n`, terminal);
  if (file !== '-') terminal.out(doctorText(found));
  return exitCode(found.adapters.some(({ adapter }) => adapter !== undefined) ? 'pass' : 'no-adapter');
};
