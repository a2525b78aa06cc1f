import { useEffect, useRef, type ReactNode } from 'react';
import { useFlows, type Flow } from '../session/live';
import { useTheme } from '../shell/theme';
import type { Camera } from './camera';
import { along, type Point } from './geometry';
import type { Chip, Scene } from './scene';
import { way } from './way';

/** One dot on its way. */
interface Dot {
  points: Point[];
  begin: number;
  takes: number;
  rejected: boolean;
}

const most = 400;

/**
 * Flows that really pass, as dots on one canvas: accepted ones run through,
 * rejected ones end in a cross where they were dropped.
 */
export function FlowLayer({ scene, camera, size, on }: { scene: Scene; camera: Camera; size: { w: number; h: number }; on: boolean }): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const dots = useRef<Dot[]>([]);
  const now = useRef({ scene, camera });
  now.current = { scene, camera };
  const theme = useTheme();
  const running = useRef(false);

  const paint = (): void => {
    const c = canvas.current;
    const g = c?.getContext('2d');
    if (!c || !g) return;
    const time = performance.now();
    dots.current = dots.current.filter((d) => time < d.begin + d.takes * 1.5);
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.clearRect(0, 0, c.width, c.height);
    const scale = devicePixelRatio;
    const { x, y, k } = now.current.camera;
    g.setTransform(scale * k, 0, 0, scale * k, scale * x, scale * y);
    for (const d of dots.current) dot(g, d, (time - d.begin) / d.takes, k, theme === 'dark');
    running.current = dots.current.length > 0;
    if (running.current) requestAnimationFrame(paint);
  };

  useFlows(on, (flows) => {
    const time = performance.now();
    const fresh = flows.flatMap((f) => dotsOf(now.current.scene, f, time));
    dots.current = [...dots.current, ...fresh].slice(-most);
    if (!running.current && dots.current.length > 0) {
      running.current = true;
      requestAnimationFrame(paint);
    }
  });
  useEffect(() => {
    if (!on) dots.current = [];
  }, [on]);

  return <canvas ref={canvas} className="flows" width={Math.round(size.w * devicePixelRatio)} height={Math.round(size.h * devicePixelRatio)} aria-hidden="true" data-testid="map-flows" />;
}

/** The dots of one flow: more packets, more dots, within reason. */
function dotsOf(scene: Scene, f: Flow, time: number): Dot[] {
  const here = scene.chips.get(f.eni);
  if (!here) return [];
  const there = find(scene, f.direction === 'egress' ? f.dst : f.src, here);
  const rejected = f.action === 'REJECT';
  // What was accepted at both ends is drawn once, where it left.
  if (!rejected && f.direction === 'ingress' && there) return [];
  if (!there) return [];
  const w = f.direction === 'egress' ? way(scene, here, there) : way(scene, there, here);
  const end = f.direction === 'egress' ? w.stations['source-group'] : w.stations['destination-group'];
  const points = rejected && end ? (f.direction === 'egress' ? [w.points[0]!, end] : [...w.points.slice(0, -1), end]) : w.points;
  const count = Math.min(6, 1 + Math.floor(Math.log2(Math.max(1, f.packets))));
  return Array.from({ length: count }, (_, i) => ({ points, begin: time + (i * 1000) / count, takes: 900, rejected }));
}

/** The interface behind an address, as seen from another: its own VPC first, then peers. */
function find(scene: Scene, address: string, from: Chip): Chip | undefined {
  const peers = new Set(scene.links.filter((l) => l.from === from.vpc || l.to === from.vpc).flatMap((l) => [l.from, l.to]));
  let found: Chip | undefined;
  for (const c of scene.chips.values()) {
    if (!c.addresses.includes(address)) continue;
    if (c.vpc === from.vpc) return c;
    if (peers.has(c.vpc)) found = c;
  }
  return found;
}

function dot(g: CanvasRenderingContext2D, d: Dot, share: number, k: number, dark: boolean): void {
  if (share < 0) return;
  const r = Math.max(4, 3 / k);
  const p = along(d.points, Math.min(1, share));
  if (!d.rejected) {
    if (share > 1) return;
    g.fillStyle = dark ? '#5ee0c6' : '#00806a';
    g.beginPath();
    g.arc(p.x, p.y, r, 0, 2 * Math.PI);
    g.fill();
    return;
  }
  g.strokeStyle = dark ? '#ff8a80' : '#c91525';
  g.globalAlpha = share > 1 ? Math.max(0, 1.5 - share) * 2 : 1;
  g.lineWidth = r * 0.8;
  const s = share > 1 ? r * 2.2 : r;
  g.beginPath();
  g.moveTo(p.x - s, p.y - s);
  g.lineTo(p.x + s, p.y + s);
  g.moveTo(p.x + s, p.y - s);
  g.lineTo(p.x - s, p.y + s);
  g.stroke();
  g.globalAlpha = 1;
}
