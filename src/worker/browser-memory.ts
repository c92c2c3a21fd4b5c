/** The most that browsers admit to, in GiB: a machine that has more says this as well. */
const MOST_SAID = 8;
/** What Chromium gives to one tab at most, however much the machine has; bytes. */
const MOST_GIVEN = 16 * 2 ** 30;

/** Bytes of memory that a tab can have at all; undefined where the browser says nothing of the machine. */
export function browserMemory(navigator: object): number | undefined {
  const deviceMemory: unknown = Reflect.get(navigator, 'deviceMemory');
  if (typeof deviceMemory !== 'number' || !(deviceMemory > 0)) return undefined;
  return deviceMemory < MOST_SAID ? deviceMemory * 2 ** 30 : MOST_GIVEN;
}
