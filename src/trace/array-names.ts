import { findStage, STAGES, stageSpec, type StageId } from '../model/stages';
import { parseAprPath } from './apr-path';
import { meaningsOf } from './layer-names';

/*
 * Which stage an array of a foreign dump is, by its name: as in llama.cpp's graph, as this program's own trees have it, or as the modules of
 * Transformers, vLLM and SGLang are called.
 */

/** A stage and its layer. */
export interface NamedStage {
  readonly stage: StageId;
  readonly layer: number | undefined;
}

/** Further names of stages in llama.cpp's dumps. */
const OTHER_GGML: readonly (readonly [string, StageId])[] = [['embd', 'embedding']];
const BY_GGML: ReadonlyMap<string, StageId> = new Map([
  ...STAGES.flatMap(({ ggml, id }) => ggml.map((name) => [name, id] as const)),
  ...OTHER_GGML,
]);

/** Module paths behind `model.layers.<N>`, and stages by their project names; `.in` is a module's input, `#k` the k-th of several outputs. */
const LAYER_MODULES: Readonly<Record<string, string>> = {
  '': 'post_ffn_residual',
  input_layernorm: 'attn_norm',
  'input_layernorm#0': 'attn_norm',
  'self_attn.q_proj': 'q_proj',
  'self_attn.k_proj': 'k_proj',
  'self_attn.v_proj': 'v_proj',
  'self_attn.qkv_proj': 'qkv_matmul',
  'self_attn.qkv_proj#0': 'qkv_matmul',
  'self_attn.q_norm': 'q_norm',
  'self_attn.k_norm': 'k_norm',
  'self_attn.o_proj.in': 'attention',
  'self_attn.attn': 'attention',
  'self_attn.o_proj': 'attn_out',
  'self_attn.o_proj#0': 'attn_out',
  'post_attention_layernorm.in': 'post_attn_residual',
  post_attention_layernorm: 'ffn_norm',
  'post_attention_layernorm#0': 'ffn_norm',
  'mlp.gate': 'moe_router_logits',
  'mlp.router': 'moe_router_logits',
  'mlp.gate#2': 'moe_router_indices',
  'mlp.router#2': 'moe_router_indices',
  'mlp.gate#1': 'moe_router',
  'mlp.router#1': 'moe_router',
  'mlp.experts.gate': 'moe_expert_gate',
  'mlp.experts.up': 'moe_expert_up',
  'mlp.experts.down.in': 'moe_expert_swigl',
  'mlp.experts.down': 'moe_expert_out',
  mlp: 'moe_ffn_out',
  'mlp#0': 'moe_ffn_out',
};
/** The same in layers with a dense network, alone or beside the experts: what the layer's network gives is then the sum of both. */
const DENSE_MODULES: Readonly<Record<string, string>> = {
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj.in': 'ffn_swigl',
  'mlp.shared_expert.gate_proj': 'ffn_gate',
  'mlp.shared_expert.up_proj': 'ffn_up',
  'mlp.shared_expert.down_proj.in': 'ffn_swigl',
  'mlp.shared_expert': 'ffn_shexp',
  'mlp.shared_expert_gate': 'ffn_shexp_gate_inp',
  'mlp.experts': 'moe_ffn_out',
  mlp: 'ffn_out',
  'mlp#0': 'ffn_out',
};
/** What only such layers have. */
const DENSE_MODULE = /^mlp\.(?:gate_proj|gate_up_proj|shared_expert)\b/;
const MODEL_MODULES: Readonly<Record<string, string>> = {
  embed_tokens: 'embedding',
  norm: 'final_norm',
  'norm#0': 'final_norm',
  lm_head: 'lm_head',
  logits: 'lm_head',
};

/** Router outputs of which some architectures give logits and some probabilities: the values tell. */
const LOGITS_OR_PROBS = /^(?:model\.)?layers\.\d+\.mlp\.(?:gate|router)#0$/;

/** Whether an array holds either the router's logits or its probabilities. */
export function isRouterOutput(name: string): boolean {
  return LOGITS_OR_PROBS.test(name);
}

/** Which stage an array of a dump is; undefined where its name is of none. `.npy` and the like are taken off before. */
export type NamesOfDump = (name: string) => NamedStage | undefined;

/** What names mean in a dump that has all of these. */
export function namesOfDump(all: Iterable<string>): NamesOfDump {
  const names = [...all];
  const layers = new Map<number, Set<string>>();
  for (const { name, layer } of names.flatMap((one) => parseGgmlName(one) ?? [])) {
    if (layer === undefined || !BY_GGML.has(name)) continue;
    layers.set(layer, (layers.get(layer) ?? new Set()).add(name));
  }
  const meanings = meaningsOf(layers);
  const dense = new Set<number>();
  for (const { layer, module } of names.map(moduleOf)) {
    if (layer !== undefined && DENSE_MODULE.test(module)) dense.add(layer);
  }
  return (name) => byMeaning(name, meanings) ?? byTree(name) ?? byModule(name, (layer) => dense.has(layer));
}

/** Whether a name is one of llama.cpp's graphs, with its layer where it has one. */
export function isGgmlName(name: string): boolean {
  return byGgmlName(name) !== undefined;
}

function byMeaning(name: string, meanings: ReadonlyMap<number, ReadonlyMap<string, StageId>>): NamedStage | undefined {
  const parsed = parseGgmlName(name);
  const here = parsed?.layer === undefined ? undefined : meanings.get(parsed.layer);
  const stage = parsed === undefined ? undefined : here?.get(parsed.name);
  if (stage !== undefined) return { stage, layer: parsed?.layer };
  const other = byGgmlName(name);
  // What is called otherwise in this layer it is not.
  return other !== undefined && [...(here?.values() ?? [])].includes(other.stage) ? undefined : other;
}

/** `ffn_moe_out-3`, `result_output`, with folders before. */
function byGgmlName(name: string): NamedStage | undefined {
  const parsed = parseGgmlName(name);
  const stage = BY_GGML.get(parsed?.name ?? '');
  return stage === undefined ? undefined : inScope(stage, parsed?.layer);
}

function parseGgmlName(name: string): { readonly name: string; readonly layer: number | undefined } | undefined {
  const match = /(?:^|\/)([A-Za-z_][\w.]*?)(?:-(\d{1,9}))?$/.exec(name);
  if (match?.[1] === undefined) return undefined;
  return { name: match[1], layer: match[2] === undefined ? undefined : Number(match[2]) };
}

/** `gpu/layer-3/moe_ffn_out` */
function byTree(name: string): NamedStage | undefined {
  const named = parseAprPath(`${name}.bin`);
  return named === undefined ? undefined : { stage: named.stage, layer: named.layer };
}

/** `model.layers.3.self_attn.o_proj`. @param isDense whether a layer has a dense network */
export function byModule(name: string, isDense: (layer: number) => boolean = () => false): NamedStage | undefined {
  const { layer, module } = moduleOf(name);
  const known =
    layer === undefined
      ? MODEL_MODULES[module]
      : isRouterOutput(name)
        ? 'moe_router_logits'
        : ((isDense(layer) ? DENSE_MODULES[module] : undefined) ?? LAYER_MODULES[module]);
  const stage = known === undefined ? undefined : findStage(known);
  return stage === undefined ? undefined : inScope(stage, layer);
}

/** A module's path in its layer, or in the model. Some models call what is shared an expert, some experts. */
function moduleOf(name: string): { readonly layer: number | undefined; readonly module: string } {
  const plain = name
    .replace(/\.(?:out|output)$/, '')
    .replace(/^(?:model\.)+/, '')
    .replace('.shared_experts', '.shared_expert');
  const layer = /^layers\.(\d{1,6})(?:\.(.+))?$/.exec(plain);
  return layer === null ? { layer: undefined, module: plain } : { layer: Number(layer[1]), module: layer[2] ?? '' };
}

function inScope(stage: StageId, layer: number | undefined): NamedStage | undefined {
  return (stageSpec(stage).scope === 'layer') === (layer !== undefined) ? { stage, layer } : undefined;
}
