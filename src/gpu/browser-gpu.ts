/** The browser's WebGPU, on a page or in a worker; undefined where it has none (also on pages that are not served securely). */
export function browserGpu(): GPU | undefined {
  return 'gpu' in navigator ? navigator.gpu : undefined;
}
