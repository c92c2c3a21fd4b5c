import { parsePort, parseText, type DefaultedOption } from '../command-line/option';

/** The options of `serve`. */
export const PORT: DefaultedOption<number> = {
  name: 'port',
  placeholder: 'PORT',
  help: 'port to listen on; the next free one when it is taken',
  parse: parsePort,
  byDefault: '4173',
};
export const HOST: DefaultedOption<string> = {
  name: 'host',
  placeholder: 'ADDRESS',
  help: 'address to listen on; WebGPU needs localhost or https',
  parse: parseText,
  byDefault: 'localhost',
};
