import { isGraphParameterName, type GraphParameter } from '../model/graph-parameters';
import { elements, member, number, text, type Field } from './json-fields';

/** No graph has more: some for each node of each layer. */
const MOST = 100_000;

/**
 * Parameters of the graph that a dump tells (`op_params`): `[{"name": "eps", "value": 1e-6, "node": "norm-0"}]`, values as f32. Names that are not
 * known are left out.
 * @throws TracerError `trace-format`
 */
export function readParameters(field: Field): readonly GraphParameter[] {
  return elements(field)
    .slice(0, MOST)
    .flatMap((entry) => {
      const name = text(member(entry, 'name'));
      const value = Math.fround(number(member(entry, 'value')));
      return isGraphParameterName(name) ? [{ name, value, node: text(member(entry, 'node')) }] : [];
    });
}
