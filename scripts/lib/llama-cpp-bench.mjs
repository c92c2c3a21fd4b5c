// node llama-cpp-bench.mjs ENTRY MODEL BACKEND THREADS NEW_TOKENS REPEATS IDS: times llama.cpp in this process and prints one line of JSON.
const [, , entry = '', modelPath = '', backend = 'cpu', threads = '0', newTokens = '1', repeats = '1', ids = ''] =
  process.argv;

/** @typedef {import('./llama-cpp-types').LlamaCpp} LlamaCpp */
const { getLlama } = /** @type {LlamaCpp} */ (await import(entry));
const llama = await getLlama({ gpu: backend === 'cpu' ? false : backend, build: 'never', logLevel: 'error' });
const tokens = ids.split(',').map(Number);
const loading = performance.now();
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({
  contextSize: tokens.length + Number(newTokens) + 8,
  batchSize: Math.max(512, tokens.length),
  sequences: 1,
  flashAttention: backend !== 'cpu',
  ...(Number(threads) > 0 ? { threads: Number(threads) } : {}),
});
const loadMs = performance.now() - loading;
const sequence = context.getSequence();

/** @type {number[]} */
const prefillRuns = [];
let cpuSeconds = 0;
// The first run compiles pipelines and touches every page: it is not counted.
for (let i = 0; i <= Number(repeats); i++) {
  await sequence.clearHistory();
  const cpu = process.cpuUsage();
  const started = performance.now();
  await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(0, -1));
  prefillRuns.push(performance.now() - started);
  const { user, system } = process.cpuUsage(cpu);
  cpuSeconds = (user + system) / 1e6;
}
/** @type {number[]} */
const decodeRuns = [];
const answer = sequence.evaluate(tokens.slice(-1), { temperature: 0, yieldEogToken: true });
while (decodeRuns.length <= Number(newTokens)) {
  const started = performance.now();
  if ((await answer.next()).done === true) break;
  decodeRuns.push(performance.now() - started);
}
const result = {
  device: backend === 'cpu' ? 'CPU' : (await llama.getGpuDeviceNames()).join(', '),
  loadMs,
  prefillTokens: tokens.length - 1,
  prefillRuns: prefillRuns.slice(1),
  prefillCpuSeconds: cpuSeconds,
  decodeRuns: decodeRuns.slice(1),
};
console.log(JSON.stringify(result));
// Its threads would keep the process alive.
process.exit(0);
