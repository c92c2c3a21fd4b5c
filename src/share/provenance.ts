import { formatBytes, plural } from '../base/format';
import type { AdapterCard, Report } from '../divergence/report';
import { modeWords, modesOf } from '../divergence/run-mode';
import { adapterTitle } from '../model/adapter-card';
import { engineName } from '../model/engines';
import { promptLength } from './redact';

/** `NVIDIA H200 (hardware)`, `SwiftShader (software)`: a software adapter is always named as such. */
export function adapterName(adapter: AdapterCard): string {
  return `${adapterTitle(adapter)} (${adapter.isSoftware ? 'software' : 'hardware'})`;
}

export interface Fact {
  readonly name: string;
  readonly value: string;
  /** Set in the fixed-width face: hashes, prompts, faults. */
  readonly code?: true;
}

/** Where the numbers of a report come from: the footer of every picture and report. */
export function provenance(report: Report): readonly Fact[] {
  const { model, run, adapter, browser, tool } = report;
  return [
    {
      name: 'Model',
      value: [model.name, model.quant, model.bytes > 0 ? formatBytes(model.bytes) : '']
        .filter((t) => t !== '')
        .join(', '),
    },
    ...(model.headerSha256 === '' ? [] : [{ name: 'Header SHA-256', value: model.headerSha256, code: true } as const]),
    {
      name: 'Compared',
      value: `${engineName(run.arms[0] ?? '?')} against ${referenceText(run.arms[1])}, ${modeWords(run.mode)}`,
    },
    {
      name: 'Adapter',
      value:
        adapter === undefined
          ? 'none: not told by the trace'
          : `${adapterName(adapter)}${adapter.isSoftware ? ': values count, times do not' : ''}`,
    },
    browser === undefined
      ? { name: 'Runtime', value: runtimeName(report) }
      : { name: 'Browser', value: `${browser.name} ${browser.version}` },
    ...promptFacts(report),
    {
      name: 'Measured',
      value: `${plural(run.layers.length, 'layer')} of ${String(model.hparams.nLayer)}, ${plural(run.stages.length, 'stage')}, ${plural(run.positions.length, 'position')}`,
    },
    {
      name: 'Limits',
      value: limitWords(report),
    },
    ...(run.routing === undefined ? [] : [{ name: 'Routing', value: "the reference's experts, forced" }]),
    ...(run.inject === undefined || run.inject.length === 0
      ? []
      : [{ name: 'Injected', value: run.inject.join('; '), code: true } as const]),
    {
      name: 'Made',
      value: `${report.created.slice(0, 16).replace('T', ' ')} UTC, MoEscope ${tool.version} (${tool.commit})`,
    },
  ];
}

function referenceText(engine: string | undefined): string {
  if (engine === undefined) return 'nothing';
  if (engine === 'exact-gpu') return 'exact-gpu (integer sums on the GPU, rounded to float64 once)';
  return engine === 'cpu' ? 'exact (the float64 reference)' : engineName(engine);
}

function promptFacts({ run }: Report): readonly Fact[] {
  const count = plural(promptLength(run), 'token');
  if (run.promptSha256 !== undefined) {
    return [{ name: 'Prompt', value: `${count}, not included; SHA-256 ${run.promptSha256}`, code: true }];
  }
  if (run.prompt !== undefined) return [{ name: 'Prompt', value: `${run.prompt} (${count})`, code: true }];
  if (run.tokens.length === 0) return [{ name: 'Prompt', value: 'not told by the trace' }];
  return [{ name: 'Token ids', value: `${run.tokens.join(', ')} (${count})`, code: true }];
}

function runtimeName(report: Report): string {
  return report.runtime === 'node' ? 'Node' : 'not told';
}

function limitWords({ limits, run }: Report): string {
  const alone = (['local', 'isolated'] as const).filter((mode) => modesOf(run.mode).has(mode)).join(' and ');
  const cosine = `free-running: cosine ≥ ${String(limits.cosine)}`;
  return alone === '' ? cosine : `${alone}: error ≤ ${String(limits.ratio)} × derived bound; ${cosine}`;
}
