import type { Sizes } from '../arch/graph';
import type { ModelShape } from './shapes';
import type { TypePlan } from './type-mix';

/** Everything that decides the bytes of a synthetic model. */
export interface ModelRecipe extends TypePlan {
  readonly shape: ModelShape;
  /** `general.architecture`: qwen3moe by default. */
  readonly arch?: string;
  /** Sizes that only this architecture has, by name. */
  readonly own?: Sizes;
  readonly seed?: number;
  /** 1e6 by default. */
  readonly theta?: number;
  /** 1e-6 by default. */
  readonly eps?: number;
  /** 4096 by default. */
  readonly nCtxTrain?: number;
  /** No `output.weight`: the head is the token embedding. */
  readonly tied?: boolean;
  readonly version?: number;
  readonly alignment?: number;
  /** `general.name`. */
  readonly name?: string;
  /** llama.cpp's name for the mix, written as `general.file_type` where there is a number for it. */
  readonly fileType?: string;
  /** Standard deviation of the router's logits: larger routes more decidedly. 3 by default. */
  readonly routerScale?: number;
}
