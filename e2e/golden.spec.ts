import { GOLDEN_MODELS } from '../tests/support/golden';
import { testGoldens } from './support/golden';

/** The model whose prompts all run here. Of the others it is the first one behind a single token; `npm run verify` runs all of all. */
const WHOLE = 'mini-q4_k_m';

testGoldens([...GOLDEN_MODELS, 'tiny-moe-6x16'], (model, all) =>
  model === WHOLE ? all : all.filter((prompt) => prompt !== 'p1').slice(0, 1),
);
