import { findStage, stageSpec, type StageId } from '../model/stages';
import type { Provenance } from './trace';
import { EMBEDDING } from '../model/stage-roles';

const ISOLATED = '-isolated';

/** What a path in a saved tree names. */
export interface AprPath {
  /** Everything before `layer-<N>/<stage>.bin`: `gpu`, `dump/gpu-isolated`, or empty. */
  readonly folder: string;
  readonly stage: StageId;
  /** Undefined for whole-model stages, the embedding included. */
  readonly layer: number | undefined;
}

/** The folder of an arm: `cpu`, or `gpu-isolated` for isolated taps. An arm's name may come from a file: it cannot name another folder. */
export function armFolder({ arm, mode }: Pick<Provenance, 'arm' | 'mode'>): string {
  const name = arm.replace(/[^\w.-]/g, '_').replace(/^\.+/, '_') || '_';
  return mode === 'isolated' ? `${name}${ISOLATED}` : name;
}

/** The inverse of {@link armFolder}, from the last part of a folder. An empty folder is an arm named `trace`. */
export function armOfFolder(folder: string): Pick<Provenance, 'arm' | 'mode'> {
  const name = folder.split('/').at(-1) ?? '';
  if (name.endsWith(ISOLATED) && name.length > ISOLATED.length) {
    return { arm: name.slice(0, -ISOLATED.length), mode: 'isolated' };
  }
  return { arm: name === '' ? 'trace' : name, mode: 'free' };
}

/** The folder of the same arm's other mode: `gpu-isolated` of `gpu`, and back. */
export function otherModeFolder(folder: string): string {
  const { arm, mode } = armOfFolder(folder);
  return armFolder({ arm, mode: mode === 'free' ? 'isolated' : 'free' });
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
