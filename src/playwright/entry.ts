/** What `moescope/playwright` exports. */
export type { AdapterDemand, NamedAdapter } from './adapter-demand';
export { expect, test, type MoescopeFixtures } from './fixture';
export type { MoescopeOptions } from './settings';
export { suiteTests } from './suite-tests';
export { traceModel, type TraceModelOptions } from './trace-model';
export { webgpu, type WebgpuUse } from './webgpu';
export type { Report } from '../divergence/report';
