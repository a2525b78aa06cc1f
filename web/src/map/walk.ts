import type { Point } from './geometry';

/** Something that the keyboard can stand on. */
export interface Spot {
  id: string;
  at: Point;
}

const steps: Record<string, Point> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

/** The spot that an arrow key leads to: near, and in its direction more than aside. */
export function walk(spots: Spot[], from: Point, key: string): Spot | undefined {
  const step = steps[key];
  if (!step) return undefined;
  let best: Spot | undefined;
  let least = Infinity;
  for (const s of spots) {
    const dx = s.at.x - from.x;
    const dy = s.at.y - from.y;
    const ahead = dx * step.x + dy * step.y;
    const aside = Math.abs(dx * step.y) + Math.abs(dy * step.x);
    if (ahead < 1 || aside > ahead * 3) continue;
    const cost = ahead + 2 * aside;
    if (cost < least) {
      least = cost;
      best = s;
    }
  }
  return best;
}
