/** The WebGPU entry point of a page or a worker; undefined where the browser has none. */
export function browserGpu(): GPU | undefined {
  // The type says that it is always there; browsers differ.
  const gpu: unknown = Reflect.get(navigator, 'gpu');
  return gpu === undefined ? undefined : navigator.gpu;
}
