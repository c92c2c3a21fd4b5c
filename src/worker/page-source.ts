import type { SourceDescriptor } from '../gguf/byte-source';

/** A model or trace file that the page opens. Stated here so that the store needs no import from `gguf/`. */
export type PageSource = SourceDescriptor;
