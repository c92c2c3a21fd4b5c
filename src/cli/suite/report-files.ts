import type { Report } from '../../divergence/report';
import { reportToJson } from '../../divergence/report-json';
import { LIGHT } from '../../share/palette';
import { divergencePicture } from '../../share/picture';
import { pictureSvg } from '../../share/picture-svg';
import { slimView } from '../../share/slim-report';
import { FIRST_VIEW } from '../../share/view-state';
import { writeOutput } from '../output';
import type { Terminal } from '../terminal';

/** Writes a run to `<stem>.json` and its picture to `<stem>.svg`. Either opens the same view on the page. */
export async function writeReportFiles(stem: string, report: Report, terminal: Terminal): Promise<void> {
  await writeOutput(`${stem}.json`, `${reportToJson(report, 1)}\n`, terminal);
  const picture = divergencePicture(report, FIRST_VIEW, LIGHT);
  await writeOutput(`${stem}.svg`, pictureSvg(picture, slimView(report, FIRST_VIEW)), terminal);
}
