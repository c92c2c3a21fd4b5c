import { fail } from '../base/errors';
import { plural } from '../base/format';
import type { ModelFile } from '../gguf/model-file';
import { tensorsOf, type BoundGraph } from './bind';
import type { Architecture } from './define-arch';
import { describe } from './keys';
import { COMMON_KEYS, COMMON_TENSORS } from './other-keys';

/** Names that a note spells out; the others are counted. */
const NAMED = 4;

/**
 * Accounts for everything that a file says of its model: each key of the architecture's namespace and each tensor is read, or known to change
 * nothing, or told, or refused. Otherwise two engines would agree on another model than the file describes.
 * @returns a sentence for each thing that nobody reads and that llama.cpp does not read either
 * @throws TracerError `gguf-unsupported`, by name
 */
export function accountFor(arch: Architecture, bound: BoundGraph): readonly string[] {
  const { model, graph } = bound;
  return [...keyNotes(arch, model, graph.sizes), ...tensorNotes(arch, bound)];
}

function keyNotes(arch: Architecture, model: ModelFile, sizes: Readonly<Record<string, number>>): readonly string[] {
  const own = Object.values(arch.keys).flatMap(({ key, older }) => [key, older]);
  const unknown: string[] = [];
  const notes: string[] = [];
  for (const [name, value] of model.metadata) {
    if (!name.startsWith(`${arch.name}.`)) continue;
    const key = name.slice(arch.name.length + 1);
    if (own.includes(key)) continue;
    const spec = [...arch.otherKeys, ...COMMON_KEYS].find((one) => one.key === key);
    if (spec === undefined) unknown.push(name);
    else if (spec.isNeutral(value, sizes)) continue;
    else if (spec.otherwise === 'refused') throw unsupported(arch, `${name} is ${describe(value)}: ${spec.what}`, name);
    else notes.push(`${name} ${describe(value)} (${spec.what}) is not read, by llama.cpp neither.`);
  }
  if (unknown.length > 0) notes.push(`${plural(unknown.length, 'key')} that nobody reads: ${listed(unknown)}.`);
  return notes;
}

function tensorNotes(arch: Architecture, { model, weights }: BoundGraph): readonly string[] {
  const used = weights.flatMap(tensorsOf);
  const read = new Set(used.flatMap(({ name, stacked = [] }) => [name, ...stacked.map((one) => one.name)]));
  const left = [...model.tensors.keys()].filter((name) => !read.has(name) && !name.endsWith('.input_scale'));
  const layers = weights.reduce((most, { slot }) => Math.max(most, layerOf(slot.name) ?? 0), 0);
  for (const name of left) {
    // What belongs to layers that do not run changes nothing in those that do.
    if ((layerOf(name) ?? 0) > layers) continue;
    const role = name.replace(/^blk\.\d+\.|\.(?:weight|bias)$/g, '');
    const other = [...arch.otherTensors, ...COMMON_TENSORS].find(({ pattern }) => pattern.test(role));
    if (other !== undefined) throw unsupported(arch, `tensor ${name}: ${other.what}`, name);
    const [, of] = /^(.*)\.(?:scale|bias)$/.exec(name) ?? [];
    if (of !== undefined && read.has(`${of}.weight`)) {
      throw unsupported(arch, `tensor ${name} would change the products of ${of}.weight`, name);
    }
  }
  return left.length === 0 ? [] : [`${plural(left.length, 'tensor')} that nobody reads: ${listed(left)}.`];
}

function layerOf(tensor: string): number | undefined {
  const [, layer] = /^blk\.(\d+)\./.exec(tensor) ?? [];
  return layer === undefined ? undefined : Number(layer);
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMED).join(', ');
  return names.length > NAMED ? `${shown} and ${names.length - NAMED} more` : shown;
}

function unsupported(arch: Architecture, what: string, name: string): Error {
  return fail(
    'gguf-unsupported',
    `The file asks for something that MoEscope does not compute for ${arch.title}: ${what}.`,
    'Use another tool for this model. Run without it, both sides would agree on another model than the file describes.',
    { name },
  );
}
