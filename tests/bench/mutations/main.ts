/* eslint-disable no-console -- a command */
import { openDevice } from '../../../src/gpu/device';
import { nodeGpu, useSwiftShader } from '../../../src/gpu/node-device';
import { SELFTEST_CASES } from '../../../src/selftest/all-cases';
import { DEFECTS } from '../../../src/selftest/defects';
import { runDefects } from '../../../src/selftest/run-defect';

/*
 * node scripts/bench-mutations.mjs
 * Which of the seeded defects turn the self-test red on this machine's GPU. A race that one adapter never loses another may.
 */
useSwiftShader();
const context = await openDevice(nodeGpu(), { adapter: 'any' });
console.log(`${context.card.description} ${context.card.vendor} ${context.card.architecture}`);
const started = performance.now();
const outcomes = await context.step(() =>
  runDefects(context, DEFECTS, SELFTEST_CASES, {
    onOutcome: ({ defect: { kernel, type = '', what }, killedBy }) => {
      const fate = killedBy === undefined ? 'SURVIVES' : `red: ${killedBy.shape}: ${killedBy.note}`;
      console.log(`${kernel} ${type}: ${what}: ${fate}`);
    },
  }),
);
const red = outcomes.filter(({ killedBy }) => killedBy !== undefined).length;
console.log(`${red} of ${outcomes.length} red in ${((performance.now() - started) / 1000).toFixed(1)} s`);
context.dispose();
