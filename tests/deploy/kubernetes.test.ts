import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Job } from 'kubernetes-models/batch/v1';
import { ConfigMap, PersistentVolumeClaim } from 'kubernetes-models/v1';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ensureBuilt } from '../../scripts/lib/build.mjs';
import type { SuiteReport } from '../../src/regression/merge';
import { suiteFromJson, suiteRuns } from '../../src/regression/suite';
import { BUILT_CLI } from '../cli/built-cli';
import { goldenModelPath } from '../support/golden';
import { ROOT } from './github';

const folder = mkdtempSync(join(tmpdir(), 'moescope-kubernetes-'));
const at = (name: string): string => join(folder, name);

vi.setConfig({ testTimeout: 240_000 });

/** The objects of a manifest, as plain data. */
function manifest(name: string): readonly Record<string, unknown>[] {
  const text = readFileSync(join(ROOT, 'deploy/kubernetes', name), 'utf8');
  return parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Record<string, unknown>;
  });
}

const KINDS = { Job, ConfigMap, PersistentVolumeClaim } as const;

/** Holds an object to the OpenAPI schema of its kind. @throws what is wrong, and where */
function validate(object: Record<string, unknown>): void {
  const Kind = KINDS[object['kind'] as keyof typeof KINDS];
  new Kind(object).validate();
}

function jobOf(name: string): Job {
  const job = new Job(manifest(name).find((object) => object['kind'] === 'Job'));
  job.validate();
  return job;
}

/** Runs the Job's container command as its pod would, with these variables over those of the manifest. */
function runPod(job: Job, env: Readonly<Record<string, string>>): Promise<{ status: number; err: string }> {
  const [container] = job.spec?.template.spec?.containers ?? [];
  const own = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));
  const [program = '', ...args] = [...(container?.command ?? []), ...(container?.args ?? [])];
  const PATH = `${folder}:${process.env['PATH'] ?? ''}`;
  const child = spawn(program, args, {
    env: { ...process.env, ...own, ...env, PATH },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    err += part;
  });
  return new Promise((done) => {
    child.on('close', (status) => {
      done({ status: status ?? -1, err });
    });
  });
}

beforeAll(async () => {
  await ensureBuilt(['cli']);
  writeFileSync(at('moescope'), `#!/bin/sh\nexec "${process.execPath}" "${BUILT_CLI}" "$@"\n`);
  chmodSync(at('moescope'), 0o755);
  mkdirSync(at('results'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('the Kubernetes manifests', () => {
  test('hold to the schema of their kinds, and the schema bites', () => {
    const objects = [...manifest('suite-job.yaml'), ...manifest('merge-job.yaml')];
    expect(objects.map((object) => object['kind'])).toEqual([
      'ConfigMap',
      ...['PersistentVolumeClaim', 'PersistentVolumeClaim', 'PersistentVolumeClaim'],
      ...['Job', 'Job'],
    ]);
    for (const object of objects) validate(object);
    const job = objects.find((object) => object['kind'] === 'Job') ?? {};
    expect(() => {
      validate({ ...job, spec: { ...(job['spec'] as object), completions: 'three' } });
    }).toThrow('completions must be integer');
  });

  test('name what there is: volumes, the container of the failure policy, a suite that reads', () => {
    const [config] = manifest('suite-job.yaml');
    const suite = suiteFromJson((config?.['data'] as Record<string, string>)['suite.json'] ?? '');
    expect(suiteRuns(suite)).toHaveLength(3);
    for (const name of ['suite-job.yaml', 'merge-job.yaml']) {
      const pod = jobOf(name).spec?.template.spec;
      const [container] = pod?.containers ?? [];
      const mounts = (container?.volumeMounts ?? []).map((mount) => mount.name).sort();
      expect(mounts).toEqual((pod?.volumes ?? []).map((volume) => volume.name).sort());
    }
    const claims = manifest('suite-job.yaml').flatMap((object) =>
      object['kind'] === 'PersistentVolumeClaim' ? [(object['metadata'] as { name: string }).name] : [],
    );
    for (const name of ['suite-job.yaml', 'merge-job.yaml']) {
      const { spec } = jobOf(name);
      const pod = spec?.template.spec;
      for (const volume of pod?.volumes ?? []) {
        if (volume.persistentVolumeClaim !== undefined)
          expect(claims).toContain(volume.persistentVolumeClaim.claimName);
      }
      // Nothing of the host's or the cluster's that a hostile model could reach for.
      expect(pod?.automountServiceAccountToken).toBe(false);
      expect(pod?.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      for (const { securityContext, image } of pod?.containers ?? []) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(image).toMatch(/^[\w.-]+\.[\w.-]+\/moescope:/);
      }
      expect(spec?.activeDeadlineSeconds).toBeGreaterThan(0);
      expect(spec?.ttlSecondsAfterFinished).toBeGreaterThan(0);
    }
    const job = jobOf('suite-job.yaml');
    const [container] = job.spec?.template.spec?.containers ?? [];
    expect(container?.env).toContainEqual({ name: 'SHARDS', value: String(job.spec?.completions) });
    const named = job.spec?.podFailurePolicy?.rules.flatMap((rule) => rule.onExitCodes?.containerName ?? []);
    expect(named).toEqual([container?.name]);
  });

  test('three pods run a shard each, the merge joins them, and a pod that never came shows', async () => {
    const runs = {
      schema: 'moescope-suite/1',
      models: [{ id: 'tied', file: goldenModelPath('tied-q4_k_m') }],
      prompts: [5, 6, 7].map((token) => ({ id: `t${token}`, tokens: [token] })),
      modes: ['free'],
      stages: 'moe_ffn_out',
    };
    writeFileSync(at('suite.json'), JSON.stringify(runs));
    const job = jobOf('suite-job.yaml');
    const merge = (): ReturnType<typeof runPod> => runPod(jobOf('merge-job.yaml'), { RESULTS: at('results') });
    const pod = async (index: number): Promise<string> => {
      const env = {
        JOB_COMPLETION_INDEX: String(index),
        BASELINES: '',
        SUITE: at('suite.json'),
        RESULTS: at('results'),
      };
      const { status, err } = await runPod(job, { ...env, ADAPTER: 'software' });
      expect(status, err).toBe(0);
      return err;
    };
    const merged = (): SuiteReport => JSON.parse(readFileSync(at('results/merged.json'), 'utf8')) as SuiteReport;
    await pod(0);
    await pod(2);
    expect((await merge()).status).toBe(1);
    expect(merged().runs.map((run) => run.status)).toEqual(['pass', 'lost', 'pass']);
    await pod(1);
    expect((await merge()).status).toBe(0);
    expect(merged()).toMatchObject({
      status: 'pass',
      how: { shards: [{ shard: '1/3' }, { shard: '2/3' }, { shard: '3/3' }] },
    });
    // The Job applied again: what nothing has changed of stands; another prompt is run.
    expect(await pod(0)).toContain('1 run of 1 taken over');
    writeFileSync(
      at('suite.json'),
      JSON.stringify({ ...runs, prompts: [9, 6, 7].map((t, i) => ({ id: `t${5 + i}`, tokens: [t] })) }),
    );
    expect(await pod(0)).toContain('tied/t5/free: not taken over: the prompt or the options changed');
  });
});
