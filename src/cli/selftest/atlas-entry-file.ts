import { say, shownDocument } from '../../base/foreign-text';
import { atlasEntry, atlasText } from '../../selftest/atlas/entry';
import type { SelftestReport } from '../../selftest/selftest-report';
import { writeOutput } from '../files/output';
import type { Terminal } from '../terminal/terminal';

/** Shows what an entry of the atlas holds, and writes it where the person has agreed to that. */
export async function writeAtlasEntry(
  report: SelftestReport,
  file: string,
  signedOff: boolean,
  terminal: Terminal,
): Promise<void> {
  const text = atlasText(atlasEntry(report));
  terminal.err(say`The atlas entry holds this, and nothing else:\n`);
  terminal.err(shownDocument(text));
  if (signedOff) await writeOutput(file, text, terminal);
  else terminal.err(say`Not written: --sign-off says that you have read it and that it may be published.\n`);
}
