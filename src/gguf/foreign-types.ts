/** Type numbers of tensors that ggml does not have, or not any more, and what they are elsewhere. */
export interface ForeignType {
  readonly id: number;
  readonly name: string;
  /** Whose it is: goes after "a type". */
  readonly of: string;
}

const REMOVED = 'that llama.cpp has removed';
const IK = 'of ik_llama.cpp';

/** ggml.h of llama.cpp (comments on removed numbers), of ik_llama.cpp, of bitnet.cpp and of PrismML's llama.cpp. */
const FOREIGN: readonly (readonly [number, string, string])[] = [
  [4, 'Q4_2', REMOVED],
  [5, 'Q4_3', REMOVED],
  [31, 'Q4_0_4_4', REMOVED],
  [32, 'Q4_0_4_8', REMOVED],
  [33, 'Q4_0_8_8', REMOVED],
  [36, 'I2_S', 'of bitnet.cpp (IQ4_NL_4_4, which llama.cpp has removed, had the number too)'],
  [37, 'IQ4_NL_4_8', REMOVED],
  [38, 'IQ4_NL_8_8', REMOVED],
  [133, 'Q6_0', IK],
  [134, 'IQ1_BN', IK],
  [135, 'IQ2_BN', IK],
  [136, 'Q8_K64', IK],
  [137, 'IQ2_K', IK],
  [138, 'IQ3_K', IK],
  [139, 'IQ4_K', IK],
  [140, 'IQ5_K', IK],
  [141, 'IQ6_K', IK],
  [142, 'PQ2_0', "of PrismML's llama.cpp (IQ2_TN, of old ik_llama.cpp files, had the number too)"],
  [143, 'PTQ1_0', "of PrismML's llama.cpp (IQ1_TN, of old ik_llama.cpp files, had the number too)"],
  [144, 'IQ4_KS', IK],
  [145, 'IQ2_KS', IK],
  [146, 'IQ4_KSS', IK],
  [147, 'Q8_K16', IK],
  [148, 'Q8_K32', IK],
  [149, 'Q8_KR8', IK],
  [150, 'Q8_K128', IK],
  [151, 'Q8_KV', IK],
  [152, 'IQ5_KS', IK],
  [153, 'IQ2_KT', IK],
  [154, 'IQ3_KT', IK],
  [155, 'IQ4_KT', IK],
  [156, 'IQ3_KS', IK],
  [157, 'IQ2_KL', IK],
  [158, 'IQ1_KT', IK],
  [202, 'Q4_0_R8', IK],
  [206, 'Q5_0_R4', IK],
  [208, 'Q8_0_R8', IK],
  [210, 'Q2_K_R4', IK],
  [211, 'Q3_K_R4', IK],
  [212, 'Q4_K_R4', IK],
  [213, 'Q5_K_R4', IK],
  [214, 'Q6_K_R4', IK],
  [216, 'IQ2_XXS_R4', IK],
  [217, 'IQ2_XS_R4', IK],
  [218, 'IQ3_XXS_R4', IK],
  [219, 'IQ1_S_R4', IK],
  [220, 'IQ4_NL_R4', IK],
  [221, 'IQ3_S_R4', IK],
  [222, 'IQ2_S_R4', IK],
  [223, 'IQ4_XS_R8', IK],
  [229, 'IQ1_M_R4', IK],
  [230, 'BF16_R16', IK],
  [233, 'Q6_0_R4', IK],
  [335, 'IQ2_BN_R4', IK],
  [337, 'IQ2_K_R4', IK],
  [338, 'IQ3_K_R4', IK],
  [339, 'IQ4_K_R4', IK],
  [340, 'IQ5_K_R4', IK],
  [344, 'IQ4_KS_R4', IK],
  [352, 'IQ5_KS_R4', IK],
  [397, 'Q8_K_R16', IK],
  [398, 'Q8_KV_R8', IK],
  [399, 'Q8_K_R8', IK],
];

const byNumber: ReadonlyMap<number, ForeignType> = new Map(FOREIGN.map(([id, name, of]) => [id, { id, name, of }]));
const byName: ReadonlyMap<string, ForeignType> = new Map([...byNumber.values()].map((type) => [type.name, type]));

/** What a type number that ggml does not have stands for elsewhere, if anything is known of it. */
export function foreignType(id: number): ForeignType | undefined {
  return byNumber.get(id);
}

/** {@link foreignType} by the name that {@link ForeignType.name} gives. */
export function foreignTypeNamed(name: string): ForeignType | undefined {
  return byName.get(name);
}
