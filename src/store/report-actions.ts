import type { Report } from '../divergence/report';
import { reportToJson } from '../divergence/report-json';
import type { SetState } from './set-state';
import type { AppState } from './state';
import { selectShown } from './view';

/** What can be taken away of the report that is shown. */
export interface ReportActions {
  saveReport(): void;
  copySentence(): Promise<void>;
}

/** What these actions use of the page. */
export interface ReportHost {
  saveFile(name: string, mediaType: string, text: string): void;
  copyText(text: string): Promise<void>;
}

export function reportActions(host: ReportHost, get: () => AppState, set: SetState): ReportActions {
  const shownReport = (): Report | undefined => {
    const shown = selectShown(get());
    return shown.kind === 'report' || shown.kind === 'recorded' ? shown.report : undefined;
  };
  return {
    saveReport: () => {
      const report = shownReport();
      if (report === undefined) return;
      const stem = report.model.file.replace(/\.gguf$/i, '');
      host.saveFile(`${stem}.moescope.json`, 'application/json', reportToJson(report, 1));
      set({ announcement: 'Report saved.' });
    },
    copySentence: async () => {
      const report = shownReport();
      if (report === undefined) return;
      await host.copyText(report.verdict.sentence);
      set({ announcement: 'Sentence copied.' });
    },
  };
}
