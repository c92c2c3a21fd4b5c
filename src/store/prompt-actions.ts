import { fail, toErrorData } from '../base/errors';
import type { Report } from '../divergence/report';
import type { EngineClient } from '../worker/client-types';
import type { TokenizedPrompt } from '../worker/opened-model';
import type { SetState } from './set-state';
import type { AppState, PromptState } from './state';
import { parseTokenIds } from './token-ids';

export interface PromptActions {
  setText(text: string): void;
  setIds(text: string): void;
  setChat(chat: boolean): void;
  /** Brings both forms together again, after another model was opened. What fails is said beside the field. */
  refresh(): Promise<void>;
  /** Takes a report's prompt where the person has not typed one. */
  adopt(report: Report): void;
  /** What is typed at this moment, with its ids, once they are known. @throws TracerError `prompt-*`, `tokenizer-*`, `chat-template` */
  settle(): Promise<SettledPrompt>;
}

/** A prompt whose forms belong together, whatever is typed meanwhile. */
export interface SettledPrompt extends TokenizedPrompt {
  /** Undefined where the ids were typed. */
  readonly text: string | undefined;
}

/** Typing pauses this long, in milliseconds, before the tokenizer is asked. */
const TYPING_PAUSE = 120;

/** The prompt's text and ids, kept in step through the opened model's tokenizer. The last edit wins. */
export function promptActions(client: EngineClient, get: () => AppState, set: SetState): PromptActions {
  let edit = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let untouched = true;

  const change = (prompt: Partial<PromptState>): void => {
    set((s) => ({ prompt: { ...s.prompt, ...prompt } }));
  };

  const resolve = async (): Promise<SettledPrompt> => {
    const { source, text, idsText, chat } = get().prompt;
    if (source === 'ids') {
      const ids = parseTokenIds(idsText);
      return { ids, texts: await client.tokenTexts(ids), text: undefined };
    }
    if (text === '') {
      throw fail('prompt-empty', 'The prompt is empty.', 'Type a prompt, or give raw token ids.');
    }
    const { ids, texts } = await client.tokenize(text, { chat });
    return { ids, texts, text };
  };

  const settle = async (): Promise<SettledPrompt> => {
    clearTimeout(timer);
    const mine = ++edit;
    try {
      const settled = await resolve();
      if (mine === edit) {
        const { ids, texts, text } = settled;
        change({
          ids,
          texts,
          pending: false,
          error: undefined,
          ...(text === undefined ? {} : { idsText: ids.join(', ') }),
        });
      }
      return settled;
    } catch (error) {
      // Ids of another text are not those of this one; what is typed as ids stays.
      const stale = get().prompt.source === 'text' ? { idsText: '' } : {};
      if (mine === edit) change({ ids: [], texts: [], pending: false, error: toErrorData(error), ...stale });
      throw error;
    }
  };

  const later = (): void => {
    clearTimeout(timer);
    edit++;
    if (get().opened === undefined) {
      change({ pending: true, ids: [], texts: [], error: undefined });
      return;
    }
    change({ pending: true });
    timer = setTimeout(() => {
      // The error is in the state by then, beside the field.
      settle().catch(() => undefined);
    }, TYPING_PAUSE);
  };

  return {
    setText: (text) => {
      untouched = false;
      change({ text, source: 'text' });
      later();
    },
    setIds: (idsText) => {
      untouched = false;
      change({ idsText, source: 'ids' });
      later();
    },
    setChat: (chat) => {
      change({ chat });
      if (get().prompt.source === 'text') later();
    },
    refresh: async () => {
      const { source, text } = get().prompt;
      if (source === 'text' && text === '') return;
      change({ pending: true });
      await settle().catch(() => undefined);
    },
    adopt: (report) => {
      if (!untouched || get().opened !== undefined) return;
      const { prompt, tokens, tokenTexts = [] } = report.run;
      change({
        text: prompt ?? '',
        idsText: tokens.join(', '),
        source: prompt === undefined ? 'ids' : 'text',
        ids: tokens,
        texts: tokenTexts,
      });
    },
    settle,
  };
}
