import type { Scene } from './scene';

/** What on the map matches a text, with what it stands in; undefined for no search. */
export function search(scene: Scene, text: string): ReadonlySet<string> | undefined {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return undefined;
  const has = (...texts: string[]): boolean => texts.some((t) => t.toLowerCase().includes(wanted));
  const out = new Set<string>();
  for (const v of scene.vpcs) if (has(v.name, v.id, v.cidr)) out.add(v.id);
  for (const l of scene.links) if (has(l.name, l.id, l.status)) out.add(l.id).add(l.from).add(l.to);
  for (const c of scene.chips.values()) {
    if (has(c.name, c.id, c.instance, c.state, c.subnet, ...c.addresses)) out.add(c.id).add(c.vpc);
  }
  return out;
}
