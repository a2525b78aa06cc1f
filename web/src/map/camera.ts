import type { Point, Rect } from './geometry';

/** What part of the map one sees: screen = world * k + (x, y). */
export interface Camera {
  x: number;
  y: number;
  k: number;
}

export const zooms = { least: 0.04, most: 2.5 };

/** Zooms by a factor about a point of the screen, which stays where it is. */
export function zoomAt(c: Camera, at: Point, factor: number): Camera {
  const k = Math.min(zooms.most, Math.max(zooms.least, c.k * factor));
  return { k, x: at.x - ((at.x - c.x) / c.k) * k, y: at.y - ((at.y - c.y) / c.k) * k };
}

/** Shows a rectangle of the world whole, with a margin, in a window of w by h. */
export function fit(r: Rect, w: number, h: number, most = 1.5): Camera {
  const margin = 36;
  const k = Math.max(zooms.least, Math.min(most, (w - 2 * margin) / Math.max(1, r.w), (h - 2 * margin) / Math.max(1, r.h)));
  return { k, x: w / 2 - (r.x + r.w / 2) * k, y: h / 2 - (r.y + r.h / 2) * k };
}

/** How much is drawn at a zoom: names of everything, names of VPCs, or shapes. */
export type Detail = 'full' | 'names' | 'shapes';

export function detail(k: number): Detail {
  return k >= 0.42 ? 'full' : k >= 0.16 ? 'names' : 'shapes';
}
