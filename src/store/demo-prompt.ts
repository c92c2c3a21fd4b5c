/** Verse, code and arithmetic, a line each: the sample model was taught all three, and sends them to different experts. */
export const DEMO_PROMPT = [
  'And God said, Let there be light: and there was light.',
  'for i in range(7): total.append(i * 3)',
  '12 + 7 = 19, 3 + 4 = 7, 20 - 8 = 12',
].join('\n');
