import { findStage, stageSpec, type StageId } from '../model/stages';
import { TRACE_MODES, type Provenance, type TraceMode } from './trace';
import { EMBEDDING } from '../model/stage-roles';

/** What the folder of an engine ends in, by how its trace came about. */
const SUFFIXES: Readonly<Record<TraceMode, string>> = { free: '', isolated: '-isolated', local: '-local' };

/** What a path in a saved tree names. */
export interface AprPath {
  /** Everything before `layer-<N>/<stage>.bin`: `gpu`, `dump/gpu-isolated`, or empty. */
  readonly folder: string;
  readonly stage: StageId;
  /** Undefined for whole-model stages, the embedding included. */
  readonly layer: number | undefined;
}

/** The folder of an engine: `cpu`, `gpu-isolated` for isolated captures, `cpu-local` for the reference fed the candidate's inputs. An engine's name may come from a file: it cannot name another folder. */
export function engineFolder({ arm: engine, mode }: Pick<Provenance, 'arm' | 'mode'>): string {
  const name = engine.replace(/[^\w.-]/g, '_').replace(/^\.+/, '_') || '_';
  return `${name}${SUFFIXES[mode]}`;
}

/** The inverse of {@link engineFolder}, from the last part of a folder. An empty folder is an engine named `trace`. */
export function engineOfFolder(folder: string): Pick<Provenance, 'arm' | 'mode'> {
  const name = folder.split('/').at(-1) ?? '';
  for (const mode of ['isolated', 'local'] as const) {
    const suffix = SUFFIXES[mode];
    if (name.endsWith(suffix) && name.length > suffix.length) return { arm: name.slice(0, -suffix.length), mode };
  }
  return { arm: name === '' ? 'trace' : name, mode: 'free' };
}

/** The folders of the same engine's other modes: `gpu-isolated` and `gpu-local` of `gpu`. */
export function otherModeFolders(folder: string): readonly string[] {
  const { arm: engine, mode } = engineOfFolder(folder);
  return TRACE_MODES.filter((other) => other !== mode).map((other) => engineFolder({ arm: engine, mode: other }));
}

/** `<folder>/layer-<N>/<stage>.bin`; whole-model stages `<folder>/<stage>.bin`; the embedding under `layer-0/`. */
export function aprPath(folder: string, stage: StageId, layer: number | undefined, extension = 'bin'): string {
  const filed = fileLayer(stage, layer);
  return [folder, filed === undefined ? '' : `layer-${filed}`, `${stage}.${extension}`]
    .filter((p) => p !== '')
    .join('/');
}

/** The layer that a stage is filed under, and that its APRT header names: the embedding's is 0. */
export function fileLayer(stage: StageId, layer: number | undefined): number | undefined {
  return stage === EMBEDDING ? 0 : layer;
}

/** The inverse of {@link aprPath}; undefined for a path that names no stage. Stage aliases are understood. */
export function parseAprPath(path: string, extension = 'bin'): AprPath | undefined {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  const file = parts.pop();
  if (file?.endsWith(`.${extension}`) !== true) return undefined;
  const stage = findStage(file.slice(0, -extension.length - 1));
  if (stage === undefined) return undefined;
  const filed = /^layer-(0|[1-9]\d{0,8})$/.exec(parts.at(-1) ?? '')?.[1];
  if (filed !== undefined) parts.pop();
  const folder = parts.join('/');
  if (stageSpec(stage).scope === 'layer') {
    return filed === undefined ? undefined : { folder, stage, layer: Number(filed) };
  }
  const isWhereItBelongs = stage === EMBEDDING ? filed === '0' || filed === undefined : filed === undefined;
  return isWhereItBelongs ? { folder, stage, layer: undefined } : undefined;
}
