/** What is known of the GPU that a run used. Plain data: goes into reports and traces. */
export interface AdapterCard {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** SwiftShader, llvmpipe and the like: always named as such. */
  readonly isSoftware: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}
