/** The sizes and constants of a Qwen3-MoE model, all read from the file. Names follow llama.cpp. */
export interface HParams {
  /** `general.architecture`; only `qwen3moe` runs. */
  readonly arch: string;
  readonly nLayer: number;
  readonly nEmbd: number;
  readonly nHead: number;
  readonly nHeadKv: number;
  /** `attention.key_length`; not nEmbd / nHead. */
  readonly headDim: number;
  readonly nExpert: number;
  readonly nExpertUsed: number;
  /** Hidden size of one expert: `expert_feed_forward_length`. */
  readonly nFfExp: number;
  readonly nVocab: number;
  readonly nCtxTrain: number;
  readonly rmsEps: number;
  readonly ropeTheta: number;
  /** nHead * headDim */
  readonly qDim: number;
  /** nHeadKv * headDim */
  readonly kvDim: number;
  /** No `output.weight`: the head is `token_embd.weight`. */
  readonly tiedEmbeddings: boolean;
}
