import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { toErrorData } from '../../base/errors';
import { LlamaChild, type Send } from './child';
import { encodeHead, type ChildCommand } from './frames';

/*
 * The child process of the live engine. Commands come as JSON lines on standard input, frames leave on descriptor 3. Ends with its input.
 */

const FRAMES = 3;
const PAUSE = new Int32Array(new SharedArrayBuffer(4));

/** All bytes, however slowly they are read: while llama.cpp computes no event loop runs. */
function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(FRAMES, bytes, at, bytes.length - at);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      Atomics.wait(PAUSE, 0, 0, 1);
    }
  }
}

const send: Send = (frame, payload) => {
  writeAll(encodeHead(frame, payload?.byteLength ?? 0));
  if (payload !== undefined) writeAll(new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength));
};

let child: LlamaChild | undefined;

function obey(command: ChildCommand): void {
  switch (command.command) {
    case 'open':
      child = new LlamaChild(command, send);
      break;
    case 'decode':
      child?.decode(command);
      break;
  }
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  try {
    obey(JSON.parse(line) as ChildCommand);
  } catch (error) {
    send({ type: 'failed', error: toErrorData(error) });
  }
});
// No destructors: back ends' threads may still hold what they would free.
lines.on('close', () => {
  process.exit(0);
});
