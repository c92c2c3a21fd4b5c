import { toErrorData } from '../../base/errors';
import { renderJob } from '../chat';
import type { ChatJob } from '../chat-job';
import type { TemplateAnswer } from './renderer';

/** Renders a job in this thread, and answers. */
export function serveJob(job: ChatJob, answer: (answer: TemplateAnswer) => void): void {
  answer({ type: 'begun' });
  try {
    answer({ type: 'done', text: renderJob(job) });
  } catch (error) {
    answer({ type: 'failed', error: toErrorData(error) });
  }
}
