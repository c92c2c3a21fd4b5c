import type { Report } from '../divergence/report';
import { FIRST_VIEW } from '../share/view-state';
import type { PromptActions } from './prompt-actions';
import { costOf } from './run-cost';
import type { SetState } from './set-state';
import type { AppState } from './state';
import type { StoryId } from './stories';

export interface StoryActions {
  /** A recorded story, fetched once. */
  recordedStory(story: StoryId): Promise<Report>;
  /** Shows another of the recorded stories. */
  showStory(story: StoryId): Promise<void>;
}

export function storyActions(
  fetchReport: (story: StoryId) => Promise<Report>,
  prompt: Pick<PromptActions, 'adopt'>,
  get: () => AppState,
  set: SetState,
): StoryActions {
  const stories = new Map<StoryId, Promise<Report>>();
  const recordedStory = (story: StoryId): Promise<Report> => {
    const found = stories.get(story) ?? fetchReport(story);
    stories.set(story, found);
    return found;
  };
  return {
    recordedStory,
    showStory: async (story) => {
      // Without its recordings the page still works; it then starts with an empty prompt.
      const report = await recordedStory(story).catch(() => undefined);
      if (report === undefined) return;
      prompt.adopt(report);
      const { shell: now, opened } = get();
      // The defect of a story is armed: Run repeats what is shown.
      if (!now.begun && opened === undefined && now.link === undefined && now.notice === undefined) {
        set((s) => ({ options: { ...s.options, inject: report.run.inject ?? [] } }));
      }
      set((s) => ({
        story,
        recorded: report,
        ...(now.link === undefined ? { ...FIRST_VIEW, hover: undefined } : {}),
        costs: new Map([...s.costs, [report.model.headerSha256, costOf(report)]]),
        announcement: now.started ? report.verdict.sentence : '',
      }));
    },
  };
}
