import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import type { Answer } from './answer';
import { detail, seen } from './camera';
import { FlowLayer } from './FlowLayer';
import { center, overlaps, type Rect } from './geometry';
import { LinkLabel, LinkLine } from './LinkShape';
import { PathLayer } from './PathLayer';
import type { Scene } from './scene';
import type { CameraControl } from './useCamera';
import { VpcShape, type Picked } from './VpcShape';
import { walk, type Spot } from './walk';

export interface MapViewProps {
  scene: Scene;
  control: CameraControl;
  picked: string;
  /** IDs that match the search; undefined when nothing is searched. */
  found: ReadonlySet<string> | undefined;
  answer: Answer | undefined;
  flows: boolean;
  onPick: (id: string) => void;
  onOpen: (id: string) => void;
  onSource: (id: string) => void;
  onDestination: (id: string) => void;
}

/** The drawing: areas, lines, and the canvas over them. */
export function MapView(p: MapViewProps): ReactNode {
  const { camera, size } = p.control;
  const svg = useRef<SVGSVGElement>(null);
  const [focus, setFocus] = useState('');
  const level = detail(camera.k);
  const raw = seen(camera, size.w, size.h);
  const view = useMemo<Rect>(() => raw, [raw.x, raw.y, raw.w, raw.h]);
  const { dragged } = p.control;
  const { onPick, onOpen, found } = p;
  const picked = useMemo<Picked>(
    () => ({
      id: p.picked,
      dim: (id) => found !== undefined && !found.has(id),
      onPick: (id) => {
        if (!dragged()) onPick(id);
      },
      onOpen,
    }),
    [p.picked, found, onPick, onOpen, dragged],
  );
  const spots = useMemo(() => spotsOf(p.scene), [p.scene]);
  const first = p.scene.vpcs[0]?.id ?? '';
  const focused = spots.some((s) => s.id === focus) ? focus : first;
  useEffect(() => {
    if (focus !== '' && document.activeElement?.closest('.map') === svg.current?.closest('.map')) svg.current?.querySelector<SVGElement>(`[data-id="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  }, [focus]);
  const onKey = useCallback((e: KeyboardEvent) => keys(e, p, spots, focused, setFocus), [p, spots, focused]);
  const shownLinks = p.scene.links.filter((l) => overlaps(view, around(l.points)));
  return (
    <>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <svg
        ref={svg}
        className="drawing"
        width={size.w}
        height={size.h}
        role="group"
        aria-label="Map of the network. Arrow keys walk, Enter selects, S makes the source, D the destination, plus and minus zoom, 0 shows everything."
        onKeyDown={onKey}
        onFocus={(e) => {
          const id = (e.target as SVGElement).dataset?.['id'];
          if (id !== undefined) setFocus(id);
        }}
        onClick={() => {
          if (!dragged()) onPick('');
        }}
      >
        <g transform={`translate(${camera.x} ${camera.y}) scale(${camera.k})`} onClick={(e) => e.stopPropagation()} data-testid="map-world">
          {shownLinks.map((l) => (
            <LinkLine key={l.id} link={l} picked={picked} />
          ))}
          {p.scene.vpcs.map((v) => overlaps(v, view) && <VpcShape key={v.id} box={v} detail={level} view={view} picked={picked} focus={within(v.id, focused, p.scene)} k={level === 'full' ? 1 : stepped(camera.k)} />)}
          {shownLinks.map((l) => (
            <LinkLabel key={l.id} link={l} detail={level} picked={picked} focus={focused} />
          ))}
          {p.answer && <PathLayer scene={p.scene} answer={p.answer} k={camera.k} />}
        </g>
      </svg>
      <FlowLayer scene={p.scene} camera={camera} size={size} on={p.flows} />
    </>
  );
}

/** Texts that keep their size on the screen change in steps, not with every frame. */
function stepped(k: number): number {
  return 1.25 ** Math.round(Math.log(k) / Math.log(1.25));
}

/** The focused ID for a VPC that contains it: others need not be drawn anew. */
function within(vpc: string, focused: string, scene: Scene): string {
  return focused === vpc || scene.chips.get(focused)?.vpc === vpc ? focused : '';
}

function around(points: { x: number; y: number }[]): Rect {
  const xs = points.map((q) => q.x);
  const ys = points.map((q) => q.y);
  const x = Math.min(...xs);
  const y = Math.min(...ys);
  return { x, y, w: Math.max(...xs) - x + 1, h: Math.max(...ys) - y + 1 };
}

function spotsOf(scene: Scene): Spot[] {
  return [
    ...scene.vpcs.map((v) => ({ id: v.id, at: { x: v.x + v.w / 2, y: v.y + 25 } })),
    ...scene.vpcs.flatMap((v) => v.subnets.flatMap((s) => s.chips.map((c) => ({ id: c.id, at: center(c) })))),
    ...scene.links.map((l) => ({ id: l.id, at: l.label })),
  ];
}

function keys(e: KeyboardEvent, p: MapViewProps, spots: Spot[], focused: string, setFocus: (id: string) => void): void {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const here = spots.find((s) => s.id === focused);
  const next = here && walk(spots, here.at, e.key);
  const { control } = p;
  const acts: Record<string, () => void> = {
    Enter: () => p.onPick(focused),
    ' ': () => p.onPick(focused),
    s: () => p.onSource(focused),
    d: () => p.onDestination(focused),
    o: () => p.onOpen(focused),
    '+': () => control.zoom(1.25),
    '=': () => control.zoom(1.25),
    '-': () => control.zoom(0.8),
    '0': () => control.fitTo(p.scene.bounds),
    Escape: () => p.onPick(''),
  };
  const act = acts[e.key];
  if (act) act();
  else if (next) {
    setFocus(next.id);
    reveal(control, next);
  } else if (!e.key.startsWith('Arrow')) return;
  e.preventDefault();
}

/** Moves the camera if a spot is out of the window. */
function reveal(control: CameraControl, s: Spot): void {
  control.set((c) => {
    const x = s.at.x * c.k + c.x;
    const y = s.at.y * c.k + c.y;
    const inside = x > 40 && y > 40 && x < control.size.w - 40 && y < control.size.h - 40;
    return inside ? c : { ...c, x: control.size.w / 2 - s.at.x * c.k, y: control.size.h / 2 - s.at.y * c.k };
  });
}
