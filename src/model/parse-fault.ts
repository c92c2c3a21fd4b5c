import { fail, type TracerError } from '../base/errors';
import { FAULTS, faultSpec, faultTensors, isExpertWeight, type Fault, type FaultKind } from './faults';
import type { WeightRole } from './stages';

/** How a fault is written. */
export const FAULT_FORM = 'KIND@layer=L[,expert=E][,tensor=NAME][,position=P][,bit=B]';

/** Mantissa bits of a block's scale (f16). */
const SCALE_BITS = 10;

/**
 * Reads `KIND@layer=L[,expert=E][,tensor=NAME][,position=P][,bit=B]`, ignoring case and blanks. NAME is `ffn_down_exps` or the whole GGUF
 * name. @throws TracerError `fault-spec`, listing the valid kinds or what the kind takes.
 */
export function parseFault(text: string): Fault {
  const match = /^([\w-]+)@(.+)$/.exec(text.replace(/\s+/g, '').toLowerCase());
  const kind = kindOf(match?.[1] ?? text, text);
  const values = new Map<string, string>();
  for (const part of (match?.[2] ?? '').split(',')) {
    const [, name, value] = /^([a-z]+)=(.+)$/.exec(part) ?? [];
    if (name === undefined || value === undefined || values.has(name))
      throw badSpec(text, `"${part}" is not understood`);
    values.set(name, value);
  }
  const { parameters } = faultSpec(kind);
  for (const name of values.keys()) {
    if (name === 'layer' || parameters.some((parameter) => parameter === name)) continue;
    throw badSpec(text, `${kind} takes ${['layer', ...parameters].join(', ')}, not ${name}`);
  }
  const whole = (name: string): number | undefined => {
    const value = values.get(name);
    if (value === undefined) return undefined;
    if (!/^\d{1,9}$/.test(value)) throw badSpec(text, `${name} is no whole number`);
    return Number(value);
  };
  const layer = whole('layer');
  if (layer === undefined) throw badSpec(text, 'the layer is missing');
  const tensor = values.has('tensor') ? tensorOf(values.get('tensor') ?? '', kind, layer, text) : undefined;
  const expert = whole('expert');
  const position = whole('position');
  const bit = whole('bit');
  const fault: Fault = {
    kind,
    layer,
    ...(expert === undefined ? {} : { expert }),
    ...(tensor === undefined ? {} : { tensor }),
    ...(position === undefined ? {} : { position }),
    ...(bit === undefined ? {} : { bit }),
  };
  if (expert !== undefined && !faultTensors(fault).every(isExpertWeight)) {
    throw badSpec(text, `${tensor ?? kind} has no experts`);
  }
  if (bit !== undefined && bit >= SCALE_BITS) throw badSpec(text, `a scale has mantissa bits 0 to ${SCALE_BITS - 1}`);
  return fault;
}

/** The fault as it is written: `parseFault` of it gives the same fault. */
export function faultText({ kind, layer, expert, tensor, position, bit }: Fault): string {
  const fields = { layer, expert, tensor, position, bit };
  const given = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return `${kind}@${given.join(',')}`;
}

function kindOf(name: string, text: string): FaultKind {
  const found = FAULTS.find((fault) => fault.kind === name);
  if (found === undefined) throw badSpec(text, `there is no fault "${name}"`);
  return found.kind;
}

function tensorOf(name: string, kind: FaultKind, layer: number, text: string): WeightRole {
  const { tensors } = faultSpec(kind);
  const [, ofLayer, role] = /^(?:blk\.(\d+)\.)?([a-z_][a-z_\d]*?)(?:\.weight|\.bias)?$/.exec(name) ?? [];
  const found = tensors.find((weight) => weight === role);
  if (found === undefined) throw badSpec(text, `${kind} strikes ${tensors.join(', ')}, not "${name}"`);
  if (ofLayer !== undefined && Number(ofLayer) !== layer) throw badSpec(text, `${name} is not of layer ${layer}`);
  return found;
}

/** A fault that cannot be made, as an error. */
export function badSpec(text: string, why: string): TracerError {
  return fail(
    'fault-spec',
    `"${text}" is no fault: ${why}.`,
    `Write ${FAULT_FORM}; kinds: ${FAULTS.map((f) => f.kind).join(', ')}.`,
    { actual: text },
  );
}
