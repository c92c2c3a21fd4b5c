import { toErrorData } from '../base/errors';
import { plural } from '../base/format';
import type { EngineClient } from '../worker/client-types';
import type { Continuation } from './inspection';
import type { SetState } from './set-state';
import type { AppState } from './state';

/** How many tokens one press adds. */
export const CONTINUE_COUNT = 32;

export interface ContinueActions {
  /** Adds tokens to what the last run (and continuation) said. */
  continueText(count?: number): Promise<void>;
}

/** Streams tokens into the state as the engine says them. */
export function continueActions(client: EngineClient, get: () => AppState, set: SetState): ContinueActions {
  return {
    continueText: async (count = CONTINUE_COUNT) => {
      const { traced, phase, continuation } = get();
      if (traced === undefined || phase === 'running' || continuation?.running === true) return;
      const { report, spec } = traced;
      const before = continuation?.report === report ? continuation.tokens : [];
      const change = (what: Partial<Continuation>): void => {
        const now = get().continuation;
        // Another run has taken the page meanwhile.
        if (now?.report === report) set({ continuation: { ...now, ...what } });
      };
      set({ continuation: { report, tokens: before, running: true, end: undefined, error: undefined } });
      set({ announcement: 'Continuing the text.' });
      try {
        const prompt = [...spec.tokens, ...before.map((t) => t.token)];
        const end = await client.generate(spec, prompt, count, (token) => {
          const now = get().continuation;
          if (now?.report === report) change({ tokens: [...now.tokens, token] });
        });
        change({ running: false, end });
      } catch (error) {
        const data = toErrorData(error);
        change({ running: false, error: data.code === 'run-cancelled' ? undefined : data });
      }
      const said = (get().continuation?.tokens.length ?? 0) - before.length;
      if (get().continuation?.report === report) set({ announcement: `${plural(said, 'token')} more.` });
    },
  };
}
