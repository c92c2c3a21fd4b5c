import type { Report } from '../divergence/report';
import { adapterTitle } from '../model/adapter-card';
import type { Capture } from '../model/engine';
import { engineFolder, engineOfFolder } from '../trace/apr-path';
import { createTrace, type Provenance, type Trace } from '../trace/trace';
import { locationKey } from '../model/location';

/** What is known once a run is done. */
export interface FinishedRun {
  readonly report: Report;
  /** ggml type of each weight by GGUF name. */
  readonly weightTypes: Readonly<Record<string, string>>;
}

/** The trace of an engine's folder (`gpu`, `gpu-isolated`, `cpu`, `cpu-local`), with all that a later comparison needs to say what this run said. */
export function traceOfRun(folder: string, captures: readonly Capture[], { report, weightTypes }: FinishedRun): Trace {
  const { arm: engine, mode } = engineOfFolder(folder);
  const isUnderTest = engine === report.run.arms[0] && engine === 'gpu';
  const { inject, routing, sumOrder } = report.run;
  const hints = mode === 'free' ? {} : hintsOf(report);
  const provenance: Provenance = {
    arm: engine,
    mode,
    modelName: report.model.name,
    headerSha256: report.model.headerSha256,
    ...(engine === 'gpu' && report.adapter !== undefined ? { adapter: adapterTitle(report.adapter) } : {}),
    toolVersion: report.tool.version,
    tokens: report.run.tokens,
    hparams: report.model.hparams,
    weightTypes,
    ...(isUnderTest && inject !== undefined ? { inject } : {}),
    ...(isUnderTest && routing !== undefined ? { routing } : {}),
    ...(sumOrder === undefined ? {} : { sumOrder }),
    ...(Object.keys(hints).length === 0 ? {} : { hints }),
  };
  if (engineFolder(provenance) !== folder) throw new RangeError(`no engine folder ${folder}`);
  return createTrace(provenance, captures);
}

function hintsOf({ verdict }: Report): Readonly<Record<string, string>> {
  const culprits = [...(verdict.first === undefined ? [] : [verdict.first]), ...(verdict.others ?? [])];
  return Object.fromEntries(
    culprits.flatMap(({ layer, stage, hint }) =>
      hint === undefined ? [] : [[locationKey(layer, stage), hint] as const],
    ),
  );
}
