import { toErrorData, type ErrorData } from '../base/errors';
import type { EngineClient } from '../worker/client-types';
import type { OpenedModel } from '../worker/opened-model';
import type { PageSource } from '../worker/page-source';
import { FIRST_VIEW } from '../share/view-state';
import { sourceName } from './page-url';
import type { PromptActions } from './prompt-actions';
import type { RunActions } from './run-actions';
import { failWith, type SetState } from './set-state';

/** How opening a model ended. */
export type OpenOutcome =
  | { readonly kind: 'opened'; readonly model: OpenedModel }
  | { readonly kind: 'failed'; readonly error: ErrorData }
  /** A later request to open a model won. */
  | { readonly kind: 'superseded' };

export interface OpenActions {
  /** Opens a model, also on top of a run, which is cancelled first. The later of two requests wins. */
  open(sources: readonly PageSource[]): Promise<OpenOutcome>;
  /** The same with sources that have yet to be fetched. @param name for the headline meanwhile @param keepDefects of the model that was there: another has others */
  openNamed(name: string, provide: () => Promise<readonly PageSource[]>, keepDefects: boolean): Promise<OpenOutcome>;
}

export function openActions(
  client: EngineClient,
  prompt: PromptActions,
  runner: RunActions,
  set: SetState,
): OpenActions {
  let opening = 0;

  const openNamed: OpenActions['openNamed'] = async (name, provide, keepDefects) => {
    const mine = ++opening;
    runner.supersede();
    await runner.end();
    if (mine !== opening) return { kind: 'superseded' };
    runner.forget();
    set({ phase: 'loading', loadingName: name, error: undefined, looked: undefined, announcement: `Opening ${name}.` });
    let given: readonly PageSource[] = [];
    try {
      given = await provide();
      const model = await client.open(given);
      if (mine !== opening) return { kind: 'superseded' };
      const { nLayer } = model.card.hparams;
      set({ opened: model, live: undefined, report: undefined, traced: undefined, continuation: undefined });
      set({ ...FIRST_VIEW, hover: undefined });
      if (!keepDefects) set((s) => ({ options: { ...s.options, inject: [] } }));
      if (!model.preflight.chatTemplate) set((s) => ({ prompt: { ...s.prompt, chat: false } }));
      // Before the page says that it is ready: ids of another model's tokenizer must not be there to be edited.
      await prompt.refresh();
      if (mine !== opening) return { kind: 'superseded' };
      set({ phase: 'ready', loadingName: undefined });
      set({ announcement: `${model.card.name} is open: ${String(nLayer)} layers.` });
      set((s) => ({ shell: { ...s.shell, origin: undefined, ownReport: undefined, dialog: undefined, begun: true } }));
      return { kind: 'opened', model };
    } catch (error) {
      if (mine !== opening) return { kind: 'superseded' };
      const data = toErrorData(error);
      failWith(set, data);
      await look(data, given, mine);
      return { kind: 'failed', error: data };
    }
  };

  /** What a file says all the same that does not run. */
  const look = async ({ code }: ErrorData, sources: readonly PageSource[], mine: number): Promise<void> => {
    if (!code.startsWith('gguf-') || sources.length === 0) return;
    const looked = await client.inspect(sources).catch(() => undefined);
    if (mine === opening && looked !== undefined) set({ looked });
  };

  return {
    openNamed,
    open: (sources) => {
      const [first] = sources;
      if (first === undefined) return Promise.resolve({ kind: 'superseded' });
      const more = sources.length > 1 ? ` and ${String(sources.length - 1)} more` : '';
      return openNamed(`${sourceName(first)}${more}`, () => Promise.resolve(sources), false);
    },
  };
}
