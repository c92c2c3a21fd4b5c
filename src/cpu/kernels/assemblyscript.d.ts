/** The compiled module of an AssemblyScript entry, in base64 (`scripts/lib/assemblyscript.mjs`). */
declare module '*?assemblyscript' {
  export const base64: string;
}
