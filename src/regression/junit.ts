import { markupText } from '../base/foreign-text';
import type { Report, Row, RowVerdict } from '../divergence/report';
import { short } from '../base/format';
import { adapterTitle } from '../model/adapter-card';
import type { BisectResult } from './bisect';
import type { SuiteReport } from './merge';

/** What a verdict is to a test runner. */
const OUTCOMES: Readonly<Record<RowVerdict, 'pass' | 'fail' | 'skip'>> = {
  match: 'pass',
  // Explained by a flip that is reported on its own row.
  'after-flip': 'pass',
  diverge: 'fail',
  'nan-gpu': 'fail',
  'nan-cpu': 'fail',
  'nan-both': 'fail',
  victim: 'fail',
  missing: 'fail',
  unmeasured: 'skip',
  'not-applicable': 'skip',
};

/**
 * Reports as JUnit XML (the form that Jenkins, GitLab and GitHub's reporters read): a suite a report, a case a comparison, and before them
 * the verdict and the baseline as cases of their own, so that a run that compared nothing does not pass.
 */
export function reportsToJunit(reports: readonly Report[]): string {
  return document(reports.map(suiteOf));
}

/** A merged suite as JUnit XML: a case a run and adapter; what was lost or ended in an error fails. */
export function suiteToJunit({ runs, how }: SuiteReport): string {
  const seconds = (id: string): number => how.seconds[id] ?? 0;
  const cases = runs.map((run): Case => ({
    className: run.adapter ?? 'no adapter',
    name: run.id,
    outcome: run.status === 'pass' ? 'pass' : 'fail',
    message: run.sentence,
    seconds: seconds(run.id),
  }));
  return document([suiteXml('suite', cases, {})]);
}

/** What `bisect` tried as JUnit XML: a case a library or dump; what did not have to be tried is skipped. */
export function bisectToJunit({ subjects }: BisectResult): string {
  const cases = subjects.map(({ name, outcome, sentence }): Case => {
    const outcomes = { right: 'pass', wrong: 'fail', unknown: 'skip' } as const;
    return { className: 'bisect', name, outcome: outcomes[outcome], message: sentence ?? 'not tried' };
  });
  return document([suiteXml('bisect', cases, {})]);
}

function document(suites: readonly Suite[]): string {
  const total = (name: 'tests' | 'failures' | 'skipped'): number => suites.reduce((sum, suite) => sum + suite[name], 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="moescope" tests="${total('tests')}" failures="${total('failures')}" skipped="${total('skipped')}">`,
    ...suites.map((suite) => suite.xml),
    '</testsuites>',
    '',
  ].join('\n');
}

interface Suite {
  readonly tests: number;
  readonly failures: number;
  readonly skipped: number;
  readonly xml: string;
}

interface Case {
  readonly className: string;
  readonly name: string;
  readonly outcome: 'pass' | 'fail' | 'skip';
  readonly message: string;
  readonly seconds?: number;
}

function suiteOf(report: Report): Suite {
  const { model, verdict, baseline, repeat } = report;
  const further = [
    { name: 'baseline', fails: baseline?.status === 'moved', message: baseline?.sentence },
    { name: 'repeat', fails: repeat?.status === 'unsteady', message: repeat?.sentence },
  ];
  const alone = report.run.arms.length < 2 && verdict.status === 'incomplete';
  const cases: readonly Case[] = [
    {
      className: model.name,
      name: 'verdict',
      outcome: verdict.status === 'match' || alone ? 'pass' : 'fail',
      message: verdict.sentence,
    },
    ...further.flatMap(({ name, fails, message }): readonly Case[] =>
      message === undefined ? [] : [{ className: model.name, name, outcome: fails ? 'fail' : 'pass', message }],
    ),
    ...report.rows.map((row) => caseOf(row, model.name)),
  ];
  const seconds = report.timing.phases.reduce((ms, phase) => ms + phase.ms, 0) / 1000;
  const adapter = report.adapter === undefined ? 'no GPU' : adapterTitle(report.adapter);
  const kind = report.adapter?.isSoftware === true ? ' (software)' : '';
  return suiteXml(`${model.name} on ${adapter}${kind}`, cases, {
    time: seconds.toFixed(3),
    timestamp: report.created,
  });
}

function suiteXml(name: string, cases: readonly Case[], more: Readonly<Record<string, string>>): Suite {
  const count = (outcome: Case['outcome']): number => cases.filter((c) => c.outcome === outcome).length;
  const [tests, failures, skipped] = [cases.length, count('fail'), count('skip')];
  const attributes = Object.entries({ name, tests, failures, skipped, errors: 0, ...more });
  const opening = attributes.map(([key, value]) => ` ${key}="${markupText(String(value))}"`).join('');
  const xml = [`  <testsuite${opening}>`, ...cases.map(caseXml), '  </testsuite>'].join('\n');
  return { tests, failures, skipped, xml };
}

function caseOf(row: Row, model: string): Case {
  const layer = row.layer === undefined ? 'model' : `layer-${row.layer}`;
  const figures = [
    ...(row.maxRatio === undefined ? [] : [`error ${short(row.maxRatio)} x its bound`]),
    ...(row.relL2 === undefined ? [] : [`relative L2 ${short(row.relL2)}`]),
    ...(row.cosine === undefined ? [] : [`cosine ${short(row.cosine)}`]),
    ...(row.maxRatioIndex === undefined ? [] : [`at [${row.maxRatioIndex.join(' ')}]`]),
  ];
  return {
    className: `${model}.${layer}`,
    name: `${row.stage} ${row.mode}`,
    outcome: OUTCOMES[row.verdict],
    message: [row.verdict, ...figures].join(', '),
  };
}

function caseXml({ className, name, outcome, message, seconds = 0 }: Case): string {
  const open = `    <testcase classname="${markupText(className)}" name="${markupText(name)}" time="${seconds}"`;
  if (outcome === 'pass') return `${open}/>`;
  const tag = outcome === 'fail' ? 'failure' : 'skipped';
  return `${open}><${tag} message="${markupText(message)}"/></testcase>`;
}
