/** A parameter's value as the caller writes it: nested as AWS's own shapes are. */
export type Value = string | number | boolean | undefined | Value[] | { [name: string]: Value };

/** The parameters of a call, by their names on the wire (`VpcId`, `Filter`, `IpPermissions`). */
export type Params = Record<string, Value>;

/** Flattens parameters as the EC2 query protocol wants them: lists count from 1. */
export function flatten(params: Params): [string, string][] {
  const out: [string, string][] = [];
  const put = (name: string, value: Value): void => {
    if (value === undefined) return;
    if (Array.isArray(value)) {
      value.forEach((v, i) => put(`${name}.${i + 1}`, v));
    } else if (typeof value === 'object') {
      for (const [member, v] of Object.entries(value)) put(`${name}.${member}`, v);
    } else {
      out.push([name, String(value)]);
    }
  };
  for (const [name, value] of Object.entries(params)) put(name, value);
  return out;
}
