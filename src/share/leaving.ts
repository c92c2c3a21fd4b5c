import { formatBytes, plural, shortHash } from '../base/format';
import type { Report } from '../divergence/report';
import { adapterName } from './provenance';
import { hasPrompt, promptLength } from './redact';

/** One thing that a shared file or link discloses. */
export interface Leaving {
  readonly what: string;
  readonly value: string;
}

/** What a picture or report file tells, before it leaves: every kind of information in it, in words. */
export function whatLeaves(report: Report, withPrompt: boolean): readonly Leaving[] {
  const { model, adapter, browser, run } = report;
  const prompt = run.prompt ?? run.tokens.join(', ');
  return [
    {
      what: 'Model',
      value: [
        model.name,
        model.file,
        model.bytes > 0 ? formatBytes(model.bytes) : '',
        model.headerSha256 === '' ? '' : `header ${shortHash(model.headerSha256)}`,
      ]
        .filter((t) => t !== '')
        .join(', '),
    },
    ...(adapter === undefined ? [] : [{ what: 'Adapter', value: `${adapterName(adapter)}, its features and limits` }]),
    ...(browser === undefined ? [] : [{ what: 'Browser', value: `${browser.name} ${browser.version}` }]),
    {
      what: 'Measurements',
      value: `${plural(report.rows.length, 'comparison')}, the experts of ${plural(report.routing.length, 'token and layer', 'tokens and layers')}, times, date`,
    },
    withPrompt && hasPrompt(report)
      ? {
          what: 'Prompt',
          value: `${shortened(prompt)}: ${plural(promptLength(run), 'token')}, ids, texts, and what each engine would say next`,
        }
      : { what: 'Prompt', value: `only its SHA-256 and its length, ${plural(promptLength(run), 'token')}` },
  ];
}

function shortened(text: string): string {
  return text.length > 160 ? `“${text.slice(0, 157)}…”` : `“${text}”`;
}
