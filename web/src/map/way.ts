import { along, center, distance, leaving, type Point } from './geometry';
import type { Chip, Link, Scene, SubnetBox } from './scene';

/** The line that packets between two interfaces take over the map, and its stations. */
export interface Way {
  points: Point[];
  /** Where each kind of component stands on it; undefined when the way has none. */
  stations: Record<Station, Point | undefined>;
}

export type Station = 'source' | 'source-group' | 'source-acl' | 'source-table' | 'peering' | 'destination-acl' | 'destination-group' | 'destination';

/** The way between two chips, over a link when they are in different VPCs. */
export function way(scene: Scene, a: Chip, b: Chip): Way {
  const link = a.vpc === b.vpc ? undefined : scene.links.find((l) => (l.from === a.vpc && l.to === b.vpc) || (l.to === a.vpc && l.from === b.vpc));
  const middle = linkPoints(link, a.vpc);
  const from = center(a);
  const to = center(b);
  const out = middle[0] ?? to;
  const back = middle.at(-1) ?? from;
  const subnetA = subnetOf(scene, a);
  const subnetB = subnetOf(scene, b);
  const inside = a.vpc === b.vpc && a.subnet === b.subnet;
  const vpcA = scene.byId.get(a.vpc);
  const edge = vpcA ? leaving(vpcA, from, out) : out;
  return {
    points: [leaving(a, from, out), ...middle, leaving(b, to, back)],
    stations: {
      source: leaving(a, from, out),
      'source-group': leaving(a, from, out),
      'source-acl': inside || !subnetA ? undefined : apart(leaving(subnetA, from, out), leaving(a, from, out)),
      'source-table': a.vpc === b.vpc ? (inside ? undefined : along([from, to], 0.5)) : edge,
      peering: link && along(middle, 0.5),
      'destination-acl': inside || !subnetB ? undefined : apart(leaving(subnetB, to, back), leaving(b, to, back)),
      'destination-group': leaving(b, to, back),
      destination: leaving(b, to, back),
    },
  };
}

/** A link's points in the direction that leaves a VPC. */
function linkPoints(link: Link | undefined, from: string): Point[] {
  if (!link) return [];
  return link.from === from ? link.points : [...link.points].reverse();
}

function subnetOf(scene: Scene, c: Chip): SubnetBox | undefined {
  return scene.byId.get(c.vpc)?.subnets.find((s) => s.id === c.subnet);
}

/** A station that would lie on another one moves on. */
function apart(p: Point, other: Point): Point {
  return distance(p, other) < 4 ? { x: p.x + 14, y: p.y } : p;
}
