import { fail, toErrorData } from '../../base/errors';
import { createCpuEngine } from '../../cpu/engine/cpu-engine';
import { createGgmlCpuEngine } from '../../cpu/ggml/ggml-engine';
import { createInlinePool } from '../../cpu/pool/inline-pool';
import type { ModelFile } from '../../gguf/model-file';
import { openOutline, type ModelOutline, type OpenSource } from '../../gguf/model-over';
import type { IsolatingEngine } from '../../model/engine';
import type { HParams } from '../../model/hparams';
import type { JudgePort } from './protocol';
import { judgeStep } from './step-work';

/** The engines of one thread, and the prompt that they know. */
interface Opened {
  readonly exact: IsolatingEngine;
  readonly quantised: IsolatingEngine;
  readonly hparams: HParams;
  readonly model: ModelFile;
}

/**
 * The thread's side: judges one layer after the other with engines of its own, which read the file by themselves.
 * @param openSource opens the model's parts in this thread
 * @returns closes them; the end of a thread does as well
 */
export function serveJudge(port: JudgePort, openSource: OpenSource): { close(): Promise<void> } {
  let opened: Promise<Opened> | undefined;
  let heard: Uint32Array<ArrayBuffer> | undefined;
  let tail: Promise<void> = Promise.resolve();

  /** An engine that only tells stages alone must hear the tokens. */
  const hear = async ({ exact, quantised }: Opened, tokens: Uint32Array<ArrayBuffer>): Promise<void> => {
    if (heard?.length === tokens.length && heard.every((token, i) => token === tokens[i])) return;
    heard = undefined;
    for (const engine of [exact, quantised]) await engine.begin(tokens, 0, { capture: new Map() });
    heard = tokens;
  };

  port.listen((message) => {
    if (message.type === 'open') {
      opened = open(message.outline, message.hparams, openSource);
      // Told with the first layer.
      opened.catch(() => undefined);
      return;
    }
    tail = tail.then(async () => {
      try {
        if (opened === undefined) throw fail('internal', 'No model is open here.', 'Please report this defect.');
        const engines = await opened;
        await hear(engines, message.tokens);
        port.post({ type: 'judged', judged: await judgeStep(message.work, engines, undefined) }, []);
      } catch (error) {
        port.post({ type: 'failed', error: toErrorData(error) }, []);
      }
    });
  });
  return {
    close: async () => {
      await (await opened?.catch(() => undefined))?.model.close();
    },
  };
}

async function open(outline: ModelOutline, hparams: HParams, openSource: OpenSource): Promise<Opened> {
  const model = await openOutline(outline, openSource);
  const pool = createInlinePool(model);
  const options = { model, hparams, pool };
  return { exact: createCpuEngine(options), quantised: createGgmlCpuEngine(options), hparams, model };
}
