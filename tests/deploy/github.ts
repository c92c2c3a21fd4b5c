import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface ActionStep {
  readonly id?: string;
  readonly name: string;
  readonly run?: string;
  readonly shell?: string;
  readonly uses?: string;
  readonly if?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, string>>;
}

export interface Action {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly ActionStep[] };
}

export function readAction(): Action {
  return parse(readFileSync(join(ROOT, 'action.yml'), 'utf8')) as Action;
}

export interface JobResult {
  readonly status: number;
  readonly log: string;
  readonly summary: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** Contexts as the steps that were not run (`uses`) would see them. */
  readonly uploads: readonly Readonly<Record<string, string>>[];
}

/**
 * Runs the steps of action.yml with bash as GitHub's runner does, in `folder`; steps of other actions are noted, not run.
 * @param killedAt the machine dies when the log shows this
 */
export async function runAction(
  folder: string,
  given: Readonly<Record<string, string>>,
  killedAt?: string,
): Promise<JobResult> {
  const action = readAction();
  const files = mkdtempSync(join(tmpdir(), 'moescope-runner-'));
  const summary = join(files, 'summary.md');
  writeFileSync(summary, '');
  const inputs = Object.fromEntries(Object.entries(action.inputs).map(([name, { default: d }]) => [name, d]));
  const contexts: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...inputs, ...given })) contexts[`inputs.${name}`] = value;
  const uploads: Record<string, string>[] = [];
  let [status, log] = [0, ''];
  for (const [i, step] of action.runs.steps.entries()) {
    if (step.uses !== undefined) {
      if (step.if?.includes('always()') === true) uploads.push(evaluated(step.with ?? {}, contexts));
      continue;
    }
    if (status !== 0) continue;
    const output = join(files, `output-${i}`);
    writeFileSync(output, '');
    const env = { GITHUB_ACTION_PATH: ROOT.replace(/\/$/, ''), GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary };
    const done = await bash(step.run ?? '', folder, { ...env, ...evaluated(step.env ?? {}, contexts) }, killedAt);
    status = done.status;
    log += done.log;
    for (const line of readFileSync(output, 'utf8').split('\n').filter(Boolean)) {
      const [name = ''] = line.split('=', 1);
      contexts[`steps.${step.id ?? ''}.outputs.${name}`] = line.slice(name.length + 1);
    }
  }
  const values = Object.fromEntries(Object.entries(action.outputs).map(([name, { value }]) => [name, value]));
  const outputs = evaluated(values, contexts);
  return { status, log, summary: readFileSync(summary, 'utf8'), outputs, uploads };
}

/** `${{ a.b }}` by its value. GitHub gives an empty text for what is not there; here it would hide a misspelt name of an input. */
function evaluated(
  values: Readonly<Record<string, string>>,
  contexts: Readonly<Record<string, string>>,
): Record<string, string> {
  const value = (name: string): string => {
    const found = contexts[name];
    if (found === undefined && name.startsWith('inputs.')) throw new Error(`action.yml has no ${name}`);
    return found ?? '';
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, text]) => [
      name,
      text.replaceAll(/\$\{\{\s*([\w.-]+)\s*\}\}/g, (_, path: string) => value(path)),
    ]),
  );
}

function bash(
  script: string,
  cwd: string,
  env: NodeJS.ProcessEnv,
  killedAt?: string,
): Promise<{ status: number; log: string }> {
  const args = ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script];
  const child = spawn('bash', args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let log = '';
  let isKilled = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      log += part;
      if (killedAt === undefined || isKilled || !log.includes(killedAt)) return;
      isKilled = true;
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    });
  }
  return new Promise((done) => {
    child.on('close', (status) => {
      done({ status: status ?? -1, log });
    });
  });
}

/** A workflow of docs/ci.md, as it stands there. */
export interface Recipe {
  readonly name: string;
  readonly text: string;
}

/** The workflows of docs/ci.md, in their order. */
export function readRecipes(): readonly Recipe[] {
  const text = readFileSync(join(ROOT, 'docs/ci.md'), 'utf8');
  return [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, workflow = '']) => ({
    name: /^name: (.*)$/m.exec(workflow)?.[1] ?? '',
    text: workflow,
  }));
}

interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Pick<ActionStep, 'uses' | 'with'>[] }>>;
}

/** What the steps of a workflow's jobs give the action, job by job. */
export function actionInputs({ text }: Recipe): ReadonlyMap<string, Readonly<Record<string, string>>> {
  const { jobs } = parse(text) as Workflow;
  const found = Object.entries(jobs).flatMap(([name, { steps }]) =>
    steps
      .filter(({ uses }) => uses?.includes('/moescope@'))
      .map(
        ({ with: given = {} }) =>
          [name, Object.fromEntries(Object.entries(given).map(([k, v]) => [k, String(v)]))] as const,
      ),
  );
  return new Map(found);
}
