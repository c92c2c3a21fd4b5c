import { fail } from '../../base/errors';
import type { ArmTraces } from '../../divergence/compare-traces';
import { armFolder } from '../../trace/apr-path';
import type { Trace } from '../../trace/trace';
import type { Operand } from './read-operand';

/**
 * The arm that `--arm-a` or `--arm-b` names: by its name (free-running and isolated, where they are there) or by its folder (`gpu-isolated`: that
 * one alone). Without a name, the only one.
 * @throws TracerError `usage` listing the arms
 */
export function chooseArm(operand: Operand, name: string | undefined, flag: string): ArmTraces {
  const { traces, path } = operand;
  const arms = [...new Set(traces.map((trace) => trace.provenance.arm))];
  if (arms.length === 0) {
    throw fail(
      'usage',
      `${path} is one APRT file, whose path does not say which stage it is.`,
      'Compare it with another APRT file, or name it <engine>/layer-<N>/<stage>.bin.',
      { path },
    );
  }
  if (name === undefined && arms.length > 1) {
    throw fail('usage', `${path} holds several engines: ${listed(traces)}.`, `Choose one with ${flag}.`, { path });
  }
  const arm = name ?? arms[0];
  const ofArm = traces.filter((trace) => trace.provenance.arm === arm);
  const chosen = ofArm.length > 0 ? ofArm : traces.filter((trace) => armFolder(trace.provenance) === arm);
  if (chosen.length === 0) {
    throw fail('usage', `${path} has no engine "${arm}".`, `It holds ${listed(traces)}.`, { path, actual: arm ?? '' });
  }
  const both = { ...oneOf(chosen, 'free', path), ...oneOf(chosen, 'isolated', path) };
  checkOneRun(both, path);
  return both;
}

/** @throws TracerError `usage` where the two modes of an arm tell of different runs */
function checkOneRun({ free, isolated }: ArmTraces, path: string): void {
  if (free === undefined || isolated === undefined) return;
  const what = RUN_FACTS.find((name) => String(free.provenance[name]) !== String(isolated.provenance[name]));
  if (what === undefined) return;
  const folders = [free, isolated].map(({ provenance }) => armFolder(provenance));
  throw fail(
    'usage',
    `${path} holds ${folders.join(' of one run and ')} of another.`,
    'Give the file or folder of one of them, or save the trace again.',
    { path, differs: what },
  );
}

/** What the modes of one run have in common. */
const RUN_FACTS = ['headerSha256', 'tokens', 'inject', 'routing', 'adapter', 'toolVersion'] as const;

function oneOf(traces: readonly Trace[], mode: 'free' | 'isolated', path: string): ArmTraces {
  const [trace, second] = traces.filter((candidate) => candidate.provenance.mode === mode);
  if (trace === undefined) return {};
  if (second === undefined) return { [mode]: trace };
  throw fail(
    'usage',
    `${path} holds two traces of the engine ${armFolder(trace.provenance)}.`,
    'Give the file or folder of one of them.',
    { path },
  );
}

function listed(traces: readonly Trace[]): string {
  return [...new Set(traces.map((trace) => armFolder(trace.provenance)))].join(', ');
}
