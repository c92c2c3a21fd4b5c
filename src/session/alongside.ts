import type { IsolatingEngine, StepOptions, StepResult } from '../model/engine';

/** The next step of an exact engine, taken while the engine isolates. */
export interface Alongside {
  /** `isolate` takes the engine's own step along. */
  readonly isolate: IsolatingEngine['isolate'];
  /** The engine's own step: what `isolate` took along, or computed now where nothing was isolated. */
  advanced(): Promise<StepResult>;
}

/**
 * Lets an exact engine make its next step, `layer` (undefined: `end`), in the same walk over the weights as it isolates another's.
 * @param engine one that can walk so
 */
export function alongside(
  engine: IsolatingEngine & Required<Pick<IsolatingEngine, 'advanceAndIsolate'>>,
  layer: number | undefined,
  options: StepOptions,
): Alongside {
  let own: StepResult | undefined;
  return {
    isolate: async (of, reference, isolated) => {
      if (own !== undefined || of !== layer) return engine.isolate(of, reference, isolated);
      const [advanced, result] = await engine.advanceAndIsolate(layer, options, reference, isolated);
      own = advanced;
      return result;
    },
    advanced: async () => (own ??= await (layer === undefined ? engine.end(options) : engine.layer(layer, options))),
  };
}

/** Whether an engine can walk so. */
export function walksTogether<T extends object>(
  engine: T,
): engine is T & IsolatingEngine & Required<Pick<IsolatingEngine, 'advanceAndIsolate'>> {
  return 'advanceAndIsolate' in engine && engine.advanceAndIsolate !== undefined;
}
