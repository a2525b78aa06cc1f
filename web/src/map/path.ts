import type { Answer, Hop } from './answer';
import { distance, type Point } from './geometry';
import type { Scene } from './scene';
import { way, type Station } from './way';

/** A hop on the map: where it is and what became of the packet there. */
export interface Stop {
  at: Point;
  hop: Hop;
  number: number;
}

/** The path of a flow over the map: as far as packets come, and what lies beyond. */
export interface Path {
  verdict: Answer['verdict'];
  stops: Stop[];
  blocked: Stop | undefined;
  passed: Point[];
  beyond: Point[];
}

/** The path of an answer; undefined when an end is not on the map. */
export function pathOf(scene: Scene, answer: Answer): Path | undefined {
  const a = scene.chips.get(answer.source.interface ?? '');
  const b = scene.chips.get(answer.destination.interface ?? '');
  if (!a || !b) return undefined;
  const w = way(scene, a, b);
  const stops = stopsOf(answer.forward, w.stations);
  const blocked = stops.find((s) => s.hop.blocked && !s.hop.beyond);
  const [passed, beyond] = blocked ? split(w.points, blocked.at) : [w.points, []];
  return { verdict: answer.verdict, stops, blocked, passed, beyond };
}

function stopsOf(hops: Hop[], stations: Record<Station, Point | undefined>): Stop[] {
  const out: Stop[] = [];
  hops.forEach((hop, i) => {
    const at = stations[stationOf(hop, i, hops)];
    if (!at) return;
    // A place says one thing: what blocks, or else what passed last.
    const same = out.findIndex((s) => distance(s.at, at) < 3);
    if (same < 0) out.push({ at, hop, number: i + 1 });
    else if (!out[same]!.hop.blocked) out[same] = { at, hop, number: i + 1 };
  });
  return out;
}

/** Where a hop stands: what comes before the way between, and what after. */
export function stationOf(hop: Hop, i: number, hops: Hop[]): Station {
  const out = hop.direction === 'egress' || (hop.direction !== 'ingress' && i < hops.length / 2);
  switch (hop.kind) {
    case 'security-group':
      return out ? 'source-group' : 'destination-group';
    case 'network-acl':
      return out ? 'source-acl' : 'destination-acl';
    case 'route-table':
    case 'vpc':
    case 'internet-gateway':
      return 'source-table';
    case 'vpc-peering-connection':
      return 'peering';
    default:
      return out ? 'source' : 'destination';
  }
}

/** Cuts a line where it comes nearest to a point. */
function split(points: Point[], at: Point): [Point[], Point[]] {
  let best = 1;
  let least = Infinity;
  for (let i = 1; i < points.length; i++) {
    const a = points[i - 1]!;
    const b = points[i]!;
    const detour = distance(a, at) + distance(at, b) - distance(a, b);
    if (detour < least - 0.01) {
      least = detour;
      best = i;
    }
  }
  return [
    [...points.slice(0, best), at],
    [at, ...points.slice(best)],
  ];
}
