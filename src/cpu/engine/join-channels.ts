import type { StageOutput } from './step';

/** Puts outputs (nTokens, n_i) side by side: (nTokens, sum of n_i). One output is returned as it is. */
export function joinChannels(parts: readonly StageOutput[], nTokens: number): StageOutput {
  const [first, ...others] = parts;
  if (first !== undefined && others.length === 0) return first;
  const values = join(
    parts.map((p) => p.values),
    nTokens,
  );
  const magnitudes = parts.flatMap((p) => (p.magnitudes === undefined ? [] : [p.magnitudes]));
  return {
    values,
    magnitudes: magnitudes.length === parts.length ? join(magnitudes, nTokens) : undefined,
    tokens: 'all',
  };
}

function join(parts: readonly (Float64Array | Uint32Array)[], nTokens: number): Float64Array<ArrayBuffer> {
  const width = parts.reduce((sum, p) => sum + p.length / nTokens, 0);
  const out = new Float64Array(nTokens * width);
  let at = 0;
  for (const part of parts) {
    const n = part.length / nTokens;
    for (let t = 0; t < nTokens; t++) out.set(part.subarray(t * n, (t + 1) * n), t * width + at);
    at += n;
  }
  return out;
}
