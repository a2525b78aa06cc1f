import type { Peering } from '../model/peering';
import { groups } from '../model/groups';
import { along, center, curve, type Point, type Rect } from './geometry';
import type { Link, VpcBox } from './scene';

type Side = 'left' | 'right' | 'top' | 'bottom';

interface Plan {
  peering: Peering;
  from: VpcBox;
  to: VpcBox;
  sides: [Side, Side];
}

/** Draws peerings between the VPCs that are on the map. */
export function links(peerings: Peering[], boxes: Map<string, VpcBox>): Link[] {
  const plans: Plan[] = [];
  for (const peering of [...peerings].sort((a, b) => a.id.localeCompare(b.id))) {
    const from = boxes.get(peering.requester.vpc);
    const to = boxes.get(peering.accepter.vpc);
    if (from && to && from !== to) plans.push({ peering, from, to, sides: sides(from, to, boxes) });
  }
  const ports = portsOf(plans);
  return plans.map((plan) => {
    const a = ports.get(`${plan.peering.id}/from`)!;
    const b = ports.get(`${plan.peering.id}/to`)!;
    const points = curve([a, push(a, plan.sides[0], reach(a, b)), push(b, plan.sides[1], reach(a, b)), b]);
    return { id: plan.peering.id, name: plan.peering.name || `${plan.from.name} – ${plan.to.name}`, status: plan.peering.status, from: plan.from.id, to: plan.to.id, points, label: along(points, 0.5) };
  });
}

function sides(a: Rect, b: Rect, boxes: Map<string, VpcBox>): [Side, Side] {
  const between = [...boxes.values()].some((c) => c !== a && c !== b && c.y < a.y + a.h && a.y < c.y + c.h && c.x > Math.min(a.x, b.x) && c.x < Math.max(a.x, b.x));
  const sameRow = a.y < b.y + b.h && b.y < a.y + a.h;
  // Over the heads of what stands between two of one row.
  if (sameRow && between) return ['top', 'top'];
  if (b.x >= a.x + a.w) return sameRow || Math.abs(center(b).y - center(a).y) < b.x - a.x - a.w ? ['right', 'left'] : b.y > a.y ? ['bottom', 'top'] : ['top', 'bottom'];
  if (a.x >= b.x + b.w) return sameRow || Math.abs(center(b).y - center(a).y) < a.x - b.x - b.w ? ['left', 'right'] : b.y > a.y ? ['bottom', 'top'] : ['top', 'bottom'];
  return b.y > a.y ? ['bottom', 'top'] : ['top', 'bottom'];
}

/** Spreads the ends of links along the sides that they share. */
function portsOf(plans: Plan[]): Map<string, Point> {
  const ends = plans.flatMap((p) => [
    { key: `${p.peering.id}/from`, box: p.from, side: p.sides[0], other: center(p.to) },
    { key: `${p.peering.id}/to`, box: p.to, side: p.sides[1], other: center(p.from) },
  ]);
  const out = new Map<string, Point>();
  for (const group of groups(ends, (e) => `${e.box.id} ${e.side}`).values()) {
    const { box, side } = group[0]!;
    const upright = side === 'left' || side === 'right';
    group.sort((a, b) => (upright ? a.other.y - b.other.y : a.other.x - b.other.x) || a.key.localeCompare(b.key));
    group.forEach((e, i) => {
      const share = (i + 1) / (group.length + 1);
      out.set(e.key, upright ? { x: side === 'left' ? box.x : box.x + box.w, y: box.y + box.h * share } : { x: box.x + box.w * share, y: side === 'top' ? box.y : box.y + box.h });
    });
  }
  return out;
}

function reach(a: Point, b: Point): number {
  return Math.max(50, Math.min(160, Math.hypot(a.x - b.x, a.y - b.y) / 3));
}

function push(p: Point, side: Side, by: number): Point {
  switch (side) {
    case 'left':
      return { x: p.x - by, y: p.y };
    case 'right':
      return { x: p.x + by, y: p.y };
    case 'top':
      return { x: p.x, y: p.y - by };
    case 'bottom':
      return { x: p.x, y: p.y + by };
  }
}
