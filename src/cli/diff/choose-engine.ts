import { fail } from '../../base/errors';
import { tracesOf, type EngineTraces } from '../../divergence/compare-traces';
import { engineFolder } from '../../trace/apr-path';
import { TRACE_MODES, type Trace, type TraceMode } from '../../trace/trace';
import type { Operand } from './read-operand';

/**
 * The engine that `--engine-a` or `--engine-b` names: by its name (free-running and isolated, where they are there) or by its folder (`gpu-isolated`: that
 * one alone). Without a name, the only one.
 * @throws TracerError `usage` listing the engines
 */
export function chooseEngine(operand: Operand, name: string | undefined, flag: string): EngineTraces {
  const { traces, path } = operand;
  const engines = [...new Set(traces.map((trace) => trace.provenance.arm))];
  if (engines.length === 0) {
    throw fail(
      'usage',
      `${path} is one APRT file, whose path does not say which stage it is.`,
      'Compare it with another APRT file, or name it <engine>/layer-<N>/<stage>.bin.',
      { path },
    );
  }
  if (name === undefined && engines.length > 1) {
    throw fail('usage', `${path} holds several engines: ${listed(traces)}.`, `Choose one with ${flag}.`, { path });
  }
  const engine = name ?? engines[0];
  const ofEngine = traces.filter((trace) => trace.provenance.arm === engine);
  const chosen = ofEngine.length > 0 ? ofEngine : traces.filter((trace) => engineFolder(trace.provenance) === engine);
  if (chosen.length === 0) {
    throw fail('usage', `${path} has no engine "${engine}".`, `It holds ${listed(traces)}.`, {
      path,
      actual: engine ?? '',
    });
  }
  const all: EngineTraces = Object.assign({}, ...TRACE_MODES.map((mode) => oneOf(chosen, mode, path)));
  checkOneRun(all, path);
  return all;
}

/** @throws TracerError `usage` where the modes of an engine tell of different runs */
function checkOneRun(traces: EngineTraces, path: string): void {
  const all = tracesOf(traces).map(({ provenance }) => provenance);
  const what = RUN_FACTS.find((name) => new Set(all.map((provenance) => String(provenance[name]))).size > 1);
  if (what === undefined) return;
  const folders = all.map(engineFolder);
  throw fail(
    'usage',
    `${path} holds ${folders.join(' of one run and ')} of another.`,
    'Give the file or folder of one of them, or save the trace again.',
    { path, differs: what },
  );
}

/** What the modes of one run have in common. */
const RUN_FACTS = ['headerSha256', 'tokens', 'inject', 'routing', 'adapter', 'toolVersion'] as const;

function oneOf(traces: readonly Trace[], mode: TraceMode, path: string): EngineTraces {
  const [trace, second] = traces.filter((candidate) => candidate.provenance.mode === mode);
  if (trace === undefined) return {};
  if (second === undefined) return { [mode]: trace };
  throw fail(
    'usage',
    `${path} holds two traces of the engine ${engineFolder(trace.provenance)}.`,
    'Give the file or folder of one of them.',
    { path },
  );
}

function listed(traces: readonly Trace[]): string {
  return [...new Set(traces.map((trace) => engineFolder(trace.provenance)))].join(', ');
}
