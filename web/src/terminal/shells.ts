/** placeholder until the terminal slice */
class Shells {
  private open: readonly { id: string }[] = [];
  subscribe = (_: () => void): (() => void) => () => undefined;
  all = (): readonly { id: string }[] => this.open;
}
export const shells = new Shells();
