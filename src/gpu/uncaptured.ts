/** Who waits for the failures of each device. One listener serves them all: Node warns of a leak at the eleventh, and engines of one device pass that. */
const waiting = new WeakMap<GPUDevice, Set<(error: GPUError) => void>>();

/** Calls `react` with each failure that no error scope catches. The result takes it back; safe to call twice. */
export function whenUncaptured(device: GPUDevice, react: (error: GPUError) => void): () => void {
  const reactions = waiting.get(device) ?? listen(device);
  // Its own function each time, so that one reaction can wait twice.
  const entry = (error: GPUError): void => {
    react(error);
  };
  reactions.add(entry);
  return () => {
    reactions.delete(entry);
  };
}

function listen(device: GPUDevice): Set<(error: GPUError) => void> {
  const reactions = new Set<(error: GPUError) => void>();
  waiting.set(device, reactions);
  device.addEventListener('uncapturederror', (event) => {
    // Told here, it need not be printed on the console as well.
    if (reactions.size > 0) event.preventDefault();
    for (const react of reactions) react(event.error);
  });
  return reactions;
}
