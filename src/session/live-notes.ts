import { short } from '../base/format';
import type { Verdict } from '../divergence/report';
import type { LiveFacts } from '../model/live';

/**
 * The verdict on a live engine. Values that capturing has changed are not those of the engine that people run: nothing of it may be called a
 * match, and what parts may part for that reason.
 */
export function unwatched(verdict: Verdict, live: LiveFacts | undefined): Verdict {
  if (live === undefined || live.logitRowsChanged === 0) return verdict;
  const clause = `capturing changed the logits of ${live.logitRowsChanged} of ${live.logitRows} tokens (the last one's by ${short(live.largestLogitChange)} at most), so that what was captured is not what this llama.cpp computes by itself`;
  if (verdict.status !== 'match') return { ...verdict, sentence: `${verdict.sentence}; ${clause}` };
  return { ...verdict, status: 'incomplete', sentence: `INCOMPLETE: ${clause}` };
}

/** What a reader of the report should know of the engine. */
export function liveNotes(live: LiveFacts): readonly string[] {
  const version = [
    live.version,
    live.commit === undefined ? undefined : `ggml ${live.ggmlVersion ?? ''} ${live.commit}`.trim(),
  ].filter((part) => part !== undefined);
  const same =
    live.logitRowsChanged === 0
      ? [`Its logits are the same bits with and without capturing (${live.logitRows} tokens).`]
      : [];
  return [
    `llama.cpp ${version.join(', ') || 'of an unknown version'} on ${live.devices.join(', ')}: flash attention ${live.flashAttention}, ${live.kv} keys and values, ${live.threads} threads.`,
    ...(live.file === undefined ? [] : [`It read ${live.file}; the reference read the file that this report names.`]),
    ...same,
    ...live.parameterNotes.map((note) => `${note}.`),
  ];
}
