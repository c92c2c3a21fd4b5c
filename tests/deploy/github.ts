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

/** Runs the steps of action.yml with bash as GitHub's runner does, in `folder`; steps of other actions are noted, not run. */
export async function runAction(folder: string, given: Readonly<Record<string, string>>): Promise<JobResult> {
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
    const done = await bash(step.run ?? '', folder, { ...env, ...evaluated(step.env ?? {}, contexts) });
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

function bash(script: string, cwd: string, env: NodeJS.ProcessEnv): Promise<{ status: number; log: string }> {
  const args = ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script];
  const child = spawn('bash', args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      log += part;
    });
  }
  return new Promise((done) => {
    child.on('close', (status) => {
      done({ status: status ?? -1, log });
    });
  });
}
