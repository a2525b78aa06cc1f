import { memo, useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import type { Answer } from './answer';
import { detail, type Camera } from './camera';
import { center, overlaps, type Point, type Rect } from './geometry';
import { LinkLabel, LinkLine } from './LinkShape';
import { pathOf } from './path';
import { PathLine, PathStops } from './PathLayer';
import type { Scene } from './scene';
import { VpcShape, type Picked } from './VpcShape';
import { walk, type Spot } from './walk';

export interface DrawingProps {
  scene: Scene;
  base: Camera;
  size: { w: number; h: number };
  picked: Picked;
  answer: Answer | undefined;
  /** A key that means nothing to the drawing itself, on the focused thing. */
  onKey: (key: string, focused: string) => boolean;
  onWalk: (to: Point) => void;
}

/** The areas and lines, drawn for one camera and half a window beyond each edge. */
export const Drawing = memo(function Drawing(p: DrawingProps): ReactNode {
  const { base, size, scene, picked } = p;
  const svg = useRef<SVGSVGElement>(null);
  const [focus, setFocus] = useState('');
  const level = detail(base.k);
  const view: Rect = useMemo(() => ({ x: (-base.x - size.w / 2) / base.k, y: (-base.y - size.h / 2) / base.k, w: (size.w * 2) / base.k, h: (size.h * 2) / base.k }), [base, size]);
  const path = useMemo(() => (p.answer ? pathOf(scene, p.answer) : undefined), [scene, p.answer]);
  const spots = useMemo(() => spotsOf(scene, level === 'full'), [scene, level]);
  const focused = spots.some((s) => s.id === focus) ? focus : (scene.vpcs[0]?.id ?? '');
  useEffect(() => {
    if (focus !== '' && svg.current?.contains(document.activeElement)) svg.current.querySelector<SVGElement>(`[data-id="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  }, [focus, base]);
  const keys = (e: KeyboardEvent): void => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const here = spots.find((s) => s.id === focused);
    const next = here && walk(spots, here.at, e.key);
    if (next) {
      setFocus(next.id);
      p.onWalk(next.at);
    } else if (!p.onKey(e.key, focused)) return;
    e.preventDefault();
  };
  const links = scene.links.filter((l) => overlaps(view, around(l.points)));
  return (
    <svg
      ref={svg}
      className="drawing"
      width={size.w * 2}
      height={size.h * 2}
      role="group"
      aria-label="Map of the network. Arrow keys walk, Enter selects, S makes the source, D the destination, plus and minus zoom, 0 shows everything."
      onKeyDown={keys}
      onFocus={(e) => {
        const id = (e.target as SVGElement).dataset['id'];
        if (id !== undefined) setFocus(id);
      }}
      onClick={() => picked.onPick('')}
    >
      <g transform={`translate(${base.x + size.w / 2} ${base.y + size.h / 2}) scale(${base.k})`} onClick={(e) => e.stopPropagation()} data-testid="map-world">
        {links.map((l) => (
          <LinkLine key={l.id} link={l} picked={picked} />
        ))}
        {scene.vpcs.map((v) => overlaps(v, view) && <VpcShape key={v.id} box={v} detail={level} view={view} picked={picked} focus={within(v.id, focused, scene)} k={level === 'full' ? 1 : base.k} />)}
        {path && <PathLine path={path} />}
        {links.map((l) => (
          <LinkLabel key={l.id} link={l} detail={level} picked={picked} focus={focused} />
        ))}
        {path && <PathStops path={path} k={base.k} />}
      </g>
    </svg>
  );
});

/** The focused ID for a VPC that contains it: others need not be drawn anew. */
function within(vpc: string, focused: string, scene: Scene): string {
  return focused === vpc || scene.chips.get(focused)?.vpc === vpc ? focused : '';
}

function around(points: Point[]): Rect {
  const xs = points.map((q) => q.x);
  const ys = points.map((q) => q.y);
  const x = Math.min(...xs);
  const y = Math.min(...ys);
  return { x, y, w: Math.max(...xs) - x + 1, h: Math.max(...ys) - y + 1 };
}

/** What is drawn so that one can stand on it. */
function spotsOf(scene: Scene, full: boolean): Spot[] {
  const vpcs = scene.vpcs.map((v) => ({ id: v.id, at: { x: v.x + v.w / 2, y: v.y + 25 } }));
  if (!full) return vpcs;
  return [
    ...vpcs,
    ...scene.vpcs.flatMap((v) => v.subnets.flatMap((s) => s.chips.map((c) => ({ id: c.id, at: center(c) })))),
    ...scene.links.map((l) => ({ id: l.id, at: l.label })),
  ];
}
