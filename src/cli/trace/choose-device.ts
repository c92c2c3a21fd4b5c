import { fail } from '../../base/errors';
import type { NamedAdapter } from '../../gpu/node-device';

/**
 * The name under which Dawn is asked for the adapter of `--device`: a number of the list, from 1, or a part of a name, capitals aside.
 * @throws TracerError `gpu-adapter`: there is none, or the name does not tell it from others
 */
export function chooseDevice(wanted: string, adapters: readonly NamedAdapter[]): string {
  const list = adapters.map(({ name }, i) => `${i + 1}: ${name}`).join('; ') || 'none';
  const found = /^\d{1,3}$/.test(wanted)
    ? adapters.slice(Number(wanted) - 1, Number(wanted)).map(({ name }) => name)
    : [...new Set(adapters.map(({ name }) => name))].filter((name) =>
        name.toLowerCase().includes(wanted.toLowerCase()),
      );
  const [name, other] = found;
  const detail = { device: wanted, adapters: list };
  if (name === undefined) {
    throw fail('gpu-adapter', `No adapter is "${wanted}".`, `Adapters here: ${list}.`, detail);
  }
  if (other !== undefined) {
    throw fail('gpu-adapter', `"${wanted}" is a part of several adapters' names.`, `Adapters here: ${list}.`, detail);
  }
  // Dawn takes the first adapter whose name has this in it.
  const first = adapters.findIndex((adapter) => adapter.name.includes(name));
  const isMeant = /^\d/.test(wanted) ? first === Number(wanted) - 1 : adapters[first]?.name === name;
  if (isMeant) return name;
  throw fail(
    'gpu-adapter',
    `Adapter "${wanted}" cannot be told from number ${first + 1} by its name, ${name}.`,
    'Show this process that one alone, for example with CUDA_VISIBLE_DEVICES, NVIDIA_VISIBLE_DEVICES, MESA_VK_DEVICE_SELECT or VK_DRIVER_FILES.',
    detail,
  );
}
