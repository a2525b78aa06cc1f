import type { Ec2Call } from '../wire/ec2';

/** One call that an editor of rows would make, and the row that it is about. */
export interface Step<Row> {
  call: Ec2Call;
  /** The key of the row, to show a refusal beside it. */
  key: string;
  /** What stands in the network when the call succeeded; undefined when the row is gone. */
  becomes: Row | undefined;
}

/** What an editor of rows compares: keys to rows, as they are in the network. */
export type Base<Row> = ReadonlyMap<string, Row>;

/** The base after a step was made. */
export function after<Row>(base: Base<Row>, s: Step<Row>): Base<Row> {
  const next = new Map(base);
  if (s.becomes === undefined) next.delete(s.key);
  else next.set(s.key, s.becomes);
  return next;
}
