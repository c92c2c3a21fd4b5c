import { CHOSEN_EXPERTS } from '../model/stage-roles';
import { decodeBase64 } from './base64';
import { SEPARATORS, splitCells } from './csv-dialect';
import { formatError, shown } from './format-error';
import { elements, index, member, parseJson, text, type Field } from './json-fields';
import { openNpy } from './npy';
import { npyIds } from './npy-values';
import { readTraces } from './read-traces';

/** Which program wrote chosen experts: what it computes in is guessed by that. */
export type RoutingForm = 'vllm' | 'sglang' | 'csv' | 'dump';

/** Chosen experts of a run, and nothing else of it. */
export interface Routing {
  readonly form: RoutingForm;
  readonly nTokens: number;
  /** By layer, (nTokens, nExpertUsed). Layers without experts are left out. */
  readonly layers: ReadonlyMap<number, Uint32Array<ArrayBuffer>>;
  /** Where the file tells the prompt. */
  readonly tokens?: readonly number[] | undefined;
}

/** What of a model the files leave out. */
export interface RoutingShape {
  readonly nLayer: number;
  /** Layers with experts, ascending. */
  readonly moeLayers: readonly number[];
  readonly nExpert: number;
  readonly nExpertUsed: number;
}

const NPY = '\u0093NUMPY';
const COLUMNS = {
  layer: ['layer', 'layer_id', 'layer_idx'],
  position: ['position', 'token', 'token_idx', 'pos'],
  slot: ['slot', 'rank', 'k'],
  expert: ['expert', 'expert_id'],
} as const;

/**
 * Reads chosen experts: vLLM's `routed_experts` as NumPy saves it, (tokens, layers, k); SGLang's response, whose `meta_info.routed_experts` is base64 of
 * i32 of that shape, or nested lists by that name; a CSV with the columns layer, position, slot, expert; any dump with `ffn_moe_topk`.
 * @throws TracerError `trace-format`
 */
export function readRouting(bytes: Uint8Array, place: string, shape: RoutingShape): Routing {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 6));
  if (head === NPY) {
    const file = openNpy(bytes, place);
    const form = `(${file.shape.join(', ')})`;
    return checked(fromFlat('vllm', npyIds(file, place), place, shape, form, file.shape), place, shape);
  }
  const first = bytes.find((b) => b > 0x20);
  if (first === '{'.charCodeAt(0) || first === '['.charCodeAt(0)) {
    const document = parseJson(new TextDecoder().decode(bytes), place);
    const response = Array.isArray(document.value) ? onlyOne(document) : document;
    const experts = findExperts(response);
    if (experts !== undefined) return checked(fromResponse(response, experts, shape), place, shape);
  }
  const csv = csvColumns(bytes);
  return checked(csv === undefined ? fromDump(bytes, place) : fromCsv(bytes, csv, place, shape), place, shape);
}

function onlyOne(list: Field): Field {
  const [only, ...others] = elements(list);
  if (only === undefined || others.length > 0)
    throw formatError(list.place, 'the response to one prompt', `${others.length + 1}`);
  return only;
}

/** `meta_info.routed_experts`, or at the top. */
function findExperts(response: Field): Field | undefined {
  if (typeof response.value !== 'object' || response.value === null) return undefined;
  const meta = member(response, 'meta_info');
  const inside = typeof meta.value === 'object' && meta.value !== null ? member(meta, 'routed_experts') : meta;
  const experts = inside.value === undefined ? member(response, 'routed_experts') : inside;
  return experts.value === undefined ? undefined : experts;
}

function fromResponse(response: Field, experts: Field, shape: RoutingShape): Routing {
  const told =
    member(response, 'tokens').value === undefined ? member(response, 'input_ids') : member(response, 'tokens');
  const tokens = told.value === undefined ? undefined : elements(told).map((token) => index(token));
  return { ...fromExperts(experts, shape), tokens };
}

/** Base64 of i32, or nested lists. */
function fromExperts(experts: Field, shape: RoutingShape): Routing {
  const { place } = experts;
  if (typeof experts.value === 'string') {
    const bytes = decodeBase64(text(experts));
    if (bytes === undefined || bytes.length % 4 !== 0)
      throw formatError(place, 'base64 of 32-bit whole numbers', shown(experts.value));
    const flat = new Uint32Array(bytes.buffer, 0, bytes.length / 4);
    return fromFlat('sglang', flat, place, shape, `${flat.length} numbers`);
  }
  const rows = elements(experts);
  const flat = rows.flatMap((row) => elements(row).flatMap((layer) => elements(layer).map((id) => index(id))));
  return fromFlat('vllm', Uint32Array.from(flat), place, shape, `${flat.length} numbers in ${rows.length} rows`);
}

/** (tokens, layers, k), flat. Engines count all layers, or only those with experts. */
function fromFlat(
  form: RoutingForm,
  flat: Uint32Array,
  place: string,
  { nLayer, moeLayers, nExpertUsed }: RoutingShape,
  found: string,
  axes?: readonly number[],
): Routing {
  const stated = axes?.length === 3 ? axes[1] : undefined;
  const counts = [moeLayers.length, nLayer].filter((n) => stated === undefined || n === stated);
  const nLayers = counts.find((n) => flat.length > 0 && flat.length % (n * nExpertUsed) === 0);
  if (nLayers === undefined || (axes?.length === 3 && axes[2] !== nExpertUsed)) {
    throw formatError(
      place,
      `(tokens, ${[...new Set([moeLayers.length, nLayer])].join(' or ')} layers, ${nExpertUsed} experts)`,
      found,
    );
  }
  const nTokens = flat.length / (nLayers * nExpertUsed);
  const layers = new Map(
    moeLayers.map((layer, i) => {
      const column = nLayers === nLayer ? layer : i;
      const own = new Uint32Array(nTokens * nExpertUsed);
      for (let token = 0; token < nTokens; token++) {
        const at = (token * nLayers + column) * nExpertUsed;
        own.set(flat.subarray(at, at + nExpertUsed), token * nExpertUsed);
      }
      return [layer, own] as const;
    }),
  );
  return { form, nTokens, layers };
}

interface Columns {
  readonly separator: string;
  readonly at: Readonly<Record<keyof typeof COLUMNS, number>>;
}

function csvColumns(bytes: Uint8Array): Columns | undefined {
  const [head = ''] = new TextDecoder().decode(bytes.subarray(0, 256)).split(/\r?\n/);
  for (const separator of SEPARATORS) {
    const names = splitCells(head, separator).map((name) => name.trim().toLowerCase());
    const find = (known: readonly string[]): number => names.findIndex((name) => known.includes(name));
    const at = {
      layer: find(COLUMNS.layer),
      position: find(COLUMNS.position),
      slot: find(COLUMNS.slot),
      expert: find(COLUMNS.expert),
    };
    if (Math.min(at.layer, at.position, at.expert) >= 0) return { separator, at };
  }
  return undefined;
}

function fromCsv(bytes: Uint8Array, { separator, at }: Columns, place: string, shape: RoutingShape): Routing {
  const chosen = new Map<number, Map<number, number[]>>();
  let nTokens = 0;
  for (const [line, row] of new TextDecoder().decode(bytes).split(/\r?\n/).entries()) {
    if (line === 0 || row.trim() === '') continue;
    const cells = splitCells(row, separator);
    const whole = (column: number): number => {
      const cell = (cells[column] ?? '').trim();
      if (!/^\d{1,9}$/.test(cell)) throw formatError(`${place}, line ${line + 1}`, 'a whole number', shown(cell));
      return Number(cell);
    };
    const [layer, position] = [whole(at.layer), whole(at.position)];
    const ofLayer = chosen.get(layer) ?? new Map<number, number[]>();
    chosen.set(layer, ofLayer);
    const experts = ofLayer.get(position) ?? [];
    ofLayer.set(position, experts);
    experts[at.slot < 0 ? experts.length : whole(at.slot)] = whole(at.expert);
    nTokens = Math.max(nTokens, position + 1);
  }
  const layers = new Map(
    [...chosen].map(([layer, ofLayer]) => {
      const own = new Uint32Array(nTokens * shape.nExpertUsed);
      for (let position = 0; position < nTokens; position++) {
        const experts = ofLayer.get(position) ?? [];
        if (
          experts.length !== shape.nExpertUsed ||
          experts.includes(NaN) ||
          Object.keys(experts).length !== experts.length
        )
          throw formatError(
            place,
            `${shape.nExpertUsed} experts of position ${position} in layer ${layer}`,
            `${Object.keys(experts).length}`,
          );
        own.set(experts, position * shape.nExpertUsed);
      }
      return [layer, own] as const;
    }),
  );
  return { form: 'csv', nTokens, layers };
}

function fromDump(bytes: Uint8Array, place: string): Routing {
  const [trace] = readTraces(bytes, place).traces;
  const captures = [...(trace?.captures.values() ?? [])].filter(({ stage }) => stage === CHOSEN_EXPERTS);
  const layers = new Map(
    captures.flatMap(({ layer, data, positions }) =>
      layer !== undefined && data instanceof Uint32Array && positions[0] === 0 ? [[layer, data.slice()] as const] : [],
    ),
  );
  const [any] = captures;
  if (layers.size === 0) throw formatError(place, 'chosen experts (ffn_moe_topk) of a whole prompt', 'none');
  return { form: 'dump', nTokens: any?.positions.length ?? 0, layers, tokens: trace?.provenance.tokens };
}

/** Ids of the model, each once a token. */
function checked(routing: Routing, place: string, { moeLayers, nExpert, nExpertUsed }: RoutingShape): Routing {
  for (const [layer, experts] of routing.layers) {
    if (!moeLayers.includes(layer))
      throw formatError(place, `layers with experts: ${moeLayers.join(', ')}`, `layer ${layer}`);
    if (experts.length !== routing.nTokens * nExpertUsed)
      throw formatError(`${place}, layer ${layer}`, `${routing.nTokens} x ${nExpertUsed} experts`, `${experts.length}`);
    for (let at = 0; at < experts.length; at += nExpertUsed) {
      const own = experts.subarray(at, at + nExpertUsed);
      if (new Set(own).size === nExpertUsed && own.every((id) => id < nExpert)) continue;
      const where = `${place}, layer ${layer}, position ${at / nExpertUsed}`;
      throw formatError(where, `${nExpertUsed} different experts below ${nExpert}`, own.join(', '));
    }
  }
  if (routing.layers.size === 0) throw formatError(place, 'chosen experts', 'none');
  return routing;
}
