/** What the bench uses of node-llama-cpp, which is no dependency of this project. */
export interface LlamaCpp {
  getLlama(options: { gpu: false | string; build: 'never'; logLevel: 'error' }): Promise<{
    getGpuDeviceNames(): Promise<string[]>;
    loadModel(options: { modelPath: string }): Promise<{
      createContext(options: {
        contextSize: number;
        batchSize: number;
        sequences: number;
        flashAttention: boolean;
        threads?: number;
      }): Promise<{
        getSequence(): {
          clearHistory(): Promise<void>;
          evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
          evaluate(
            tokens: readonly number[],
            options: { temperature: number; yieldEogToken: boolean },
          ): AsyncGenerator<number>;
        };
      }>;
    }>;
  }>;
}
