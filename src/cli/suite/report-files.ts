import type { Report } from '../../divergence/report';
import { reportToJson } from '../../divergence/report-json';
import { sheetPicture } from '../../share/picture';
import { pictureSvg } from '../../share/picture-svg';
import { withoutPrompt } from '../../share/redact';
import { slimView } from '../../share/slim-report';
import { FIRST_VIEW } from '../../share/view-state';
import { writeOutput } from '../files/output';
import type { Terminal } from '../terminal/terminal';

/** Writes a run to `<stem>.json` and its picture, without the prompt, to `<stem>.svg`. Either opens on the page again. */
export async function writeReportFiles(stem: string, report: Report, terminal: Terminal): Promise<void> {
  await writeOutput(`${stem}.json`, `${reportToJson(report, 1)}\n`, terminal);
  const leaving = await withoutPrompt(report);
  const picture = sheetPicture(leaving, FIRST_VIEW);
  await writeOutput(`${stem}.svg`, pictureSvg(picture, slimView(leaving, FIRST_VIEW)), terminal);
}
