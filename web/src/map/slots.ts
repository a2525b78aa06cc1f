/** A VPC's place in the grid of the map. */
export interface Slot {
  col: number;
  row: number;
}

export interface Places {
  /** VPC IDs in the order in which free places are given. */
  ids: string[];
  /** Pairs of VPCs that a peering connects. */
  pairs: [string, string][];
  /** Where VPCs were before: they stay. */
  before: ReadonlyMap<string, Slot>;
}

const at = (s: Slot): string => `${s.col},${s.row}`;

/**
 * Gives every VPC a place. One that had a place keeps it, so that the map does not
 * move under the person who looks at it; a new one goes as near as it can to what it
 * is connected with. Without a past, hubs come first and their spokes around them.
 */
export function slots(p: Places): Map<string, Slot> {
  const columns = p.ids.length <= 6 ? 3 : Math.ceil(Math.sqrt(p.ids.length * 0.7));
  const placed = new Map<string, Slot>();
  const taken = new Set<string>();
  const put = (id: string, s: Slot): void => {
    placed.set(id, s);
    taken.add(at(s));
  };
  for (const id of p.ids) {
    const s = p.before.get(id);
    if (s && !taken.has(at(s))) put(id, s);
  }
  const near = neighbours(p.pairs);
  for (const id of order(p.ids, near)) {
    if (placed.has(id)) continue;
    const friends = (near.get(id) ?? []).map((n) => placed.get(n)).filter((s) => s !== undefined);
    put(id, nearest(friends, taken, columns));
  }
  return placed;
}

function neighbours(pairs: [string, string][]): Map<string, string[]> {
  const near = new Map<string, string[]>();
  for (const [a, b] of pairs) {
    near.set(a, [...(near.get(a) ?? []), b]);
    near.set(b, [...(near.get(b) ?? []), a]);
  }
  return near;
}

/** The first spoke, then its hub, then the other spokes: in a row, hubs come to stand in the middle. */
function order(ids: string[], near: Map<string, string[]>): string[] {
  const rank = new Map(ids.map((id, i) => [id, i]));
  const degree = (id: string): number => near.get(id)?.length ?? 0;
  const by = (a: string, b: string): number => degree(b) - degree(a) || (rank.get(a) ?? 0) - (rank.get(b) ?? 0);
  const out: string[] = [];
  const seen = new Set<string>();
  const visit = (id: string): void => {
    if (seen.has(id) || !rank.has(id)) return;
    seen.add(id);
    out.push(id);
  };
  for (const hub of [...ids].filter((id) => degree(id) > 0).sort(by)) {
    if (seen.has(hub)) continue;
    const spokes = (near.get(hub) ?? []).filter((id) => !seen.has(id)).sort(by);
    if (spokes.length > 1) visit(spokes[0]!);
    visit(hub);
    spokes.forEach(visit);
  }
  ids.forEach(visit);
  return out;
}

function nearest(friends: Slot[], taken: ReadonlySet<string>, columns: number): Slot {
  let best: Slot | undefined;
  let least = Infinity;
  // One row more than all that is taken has room for certain.
  const rows = Math.ceil((taken.size + 1) / columns) + 1;
  for (let row = 0; row < rows + 1; row++) {
    for (let col = 0; col < columns; col++) {
      if (taken.has(at({ col, row }))) continue;
      const far = friends.length === 0 ? row * columns + col : friends.reduce((sum, f) => sum + Math.hypot(f.col - col, (f.row - row) * 1.3), 0) * 1000 + row * columns + col;
      if (far < least) {
        least = far;
        best = { col, row };
      }
    }
  }
  return best ?? { col: 0, row: rows + 1 };
}
