/** Members by what they have in common (Map.groupBy, which older engines lack). */
export function groups<K, T>(members: Iterable<T>, keyOf: (member: T) => K): Map<K, T[]> {
  const out = new Map<K, T[]>();
  for (const m of members) {
    const key = keyOf(m);
    const group = out.get(key);
    if (group) group.push(m);
    else out.set(key, [m]);
  }
  return out;
}
