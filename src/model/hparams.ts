import type { CommonSizes } from '../arch/define-arch';

/** The sizes and constants of a model, all read from the file: those that every architecture has, and at run time its own beside them. Names follow llama.cpp. */
export interface HParams extends CommonSizes {
  /** `general.architecture`. */
  readonly arch: string;
  /** No `output.weight`: the head is `token_embd.weight`. */
  readonly tiedEmbeddings: boolean;
}

/** How many experts a model has and uses, for people. */
export function expertsText({ nExpert, nExpertUsed }: Pick<HParams, 'nExpert' | 'nExpertUsed'>): string {
  return nExpert === 0 ? 'none' : `${nExpert}, ${nExpertUsed} a token`;
}
