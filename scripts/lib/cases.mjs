/**
 * The cases of the gallery, `docs/cases/`: each a real run, made by `npm run cases`. Their pages say what one sees and why.
 * @typedef {object} Case
 * @property {string} id also its file's name and what `?case=` takes
 * @property {string} title
 * @property {boolean} wrong whether the run has to end with a finding
 * @property {readonly string[]} [make] a model that is made first: the options of `make-model`; `MODEL` in `order` is its file
 * @property {readonly string[]} order the command line
 * @property {string} [machine] where it was run, if not here: it is made from the report that `order` wrote there with --json
 */

const GOLDEN = 'tests/golden';
const PROMPT = ['--prompt', 'The cat sat on the mat.'];

/** Long enough that some of its choices between 128 experts are near ties. */
const NEAR_TIES =
  'Two experts of nearly the same probability may change places by rounding alone: that is no defect of any kernel.';

/**
 * A model of random weights that routes as Qwen3-30B-A3B does, 8 of 128 experts a layer, in narrow layers.
 * @param {number} layers
 */
const randomModel = (layers) => [
  ...['--layers', String(layers), '--experts', '128', '--experts-used', '8', '--embd', '128', '--heads', '4'],
  ...['--kv-heads', '1', '--head-dim', '32', '--ff', '32', '--vocab', '512', '--type', 'q8_0'],
];

/**
 * A run of the sample model with a defect put in.
 * @param {string} spec
 */
const sampleWith = (spec) => ['trace', 'sample:', ...PROMPT, '--inject', spec];

/** @type {readonly Case[]} */
export const CASES = [
  {
    id: 'healthy-30b',
    title: "A healthy model of Qwen3-30B-A3B's shape",
    wrong: false,
    make: ['--shape', 'qwen3-30b-a3b'],
    order: ['trace', 'MODEL', '--tokens', '1,2,3,4,5,6,7,8,9,10,11,12', '--adapter', 'hardware'],
    machine: 'an NVIDIA H200 and 16 cores',
  },
  { id: 'q6k-read-as-q4k', title: 'Q6_K read as Q4_K', wrong: true, order: sampleWith('qtype-blind@layer=2') },
  { id: 'one-bit', title: 'One bit of one weight', wrong: true, order: sampleWith('bitflip@layer=2') },
  {
    id: 'stale-expert',
    title: "An expert's slot with another expert's weights",
    wrong: true,
    order: sampleWith('wrong-expert@layer=3,expert=6'),
  },
  {
    id: 'mask-off-by-one',
    title: 'A causal mask off by one',
    wrong: true,
    order: sampleWith('mask-off-by-one@layer=1'),
  },
  {
    id: 'llama-cpp-vulkan-f16',
    title: "llama.cpp's Vulkan back end rounds operands to f16",
    wrong: false,
    order: ['judge', `${GOLDEN}/mini-q4_k_m/model.gguf`, `${GOLDEN}/judge/mini-q4_k_m-p12-vulkan-h200-fused.npz`],
  },
  {
    id: 'quantised-activations',
    title: 'Quantised activations against exact ones',
    wrong: false,
    order: ['trace', 'sample:', ...PROMPT, '--candidate', 'ggml'],
  },
  {
    id: 'flip-by-rounding',
    title: 'A routing flip that is only rounding',
    wrong: false,
    make: randomModel(32),
    order: ['trace', 'MODEL', '--prompt', NEAR_TIES],
  },
];
