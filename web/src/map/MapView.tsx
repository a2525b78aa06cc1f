import { useCallback, useMemo, useRef, type ReactNode } from 'react';
import type { Answer } from './answer';
import { Drawing } from './Drawing';
import { FlowLayer } from './FlowLayer';
import type { Point } from './geometry';
import type { Scene } from './scene';
import type { CameraControl } from './useCamera';
import { shift, useSettled } from './useSettled';
import type { Picked } from './VpcShape';

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

/** The drawing under the camera, and the canvas with traffic over it. */
export function MapView(p: MapViewProps): ReactNode {
  const { camera, size } = p.control;
  const base = useSettled(camera, size);
  // What handlers do changes with every render; the drawing is not made anew for it.
  const latest = useRef(p);
  latest.current = p;
  const picked = useMemo<Picked>(
    () => ({
      id: p.picked,
      dim: (id) => p.found !== undefined && !p.found.has(id),
      onPick: (id) => {
        if (!latest.current.control.dragged()) latest.current.onPick(id);
      },
      onOpen: (id) => latest.current.onOpen(id),
    }),
    [p.picked, p.found],
  );
  const onKey = useCallback((key: string, focused: string) => act(latest.current, key, focused), []);
  const onWalk = useCallback((to: Point) => reveal(latest.current.control, to), []);
  return (
    <>
      <div className="moved" style={{ inlineSize: size.w * 2, blockSize: size.h * 2, insetInlineStart: -size.w / 2, insetBlockStart: -size.h / 2, transformOrigin: `${size.w / 2}px ${size.h / 2}px`, transform: shift(base, camera) }}>
        <Drawing scene={p.scene} base={base} size={size} picked={picked} answer={p.answer} onKey={onKey} onWalk={onWalk} />
      </div>
      <FlowLayer scene={p.scene} camera={camera} size={size} on={p.flows} />
    </>
  );
}

/** Does what a key says; false when it says nothing. */
function act(p: MapViewProps, key: string, focused: string): boolean {
  const acts: Record<string, () => void> = {
    Enter: () => p.onPick(focused),
    ' ': () => p.onPick(focused),
    s: () => p.onSource(focused),
    d: () => p.onDestination(focused),
    o: () => p.onOpen(focused),
    '+': () => p.control.zoom(1.25),
    '=': () => p.control.zoom(1.25),
    '-': () => p.control.zoom(0.8),
    '0': () => p.control.fitTo(p.scene.bounds),
    Escape: () => p.onPick(''),
  };
  acts[key]?.();
  return key in acts;
}

/** Moves the camera if a place is out of the window. */
function reveal(control: CameraControl, at: Point): void {
  control.set((c) => {
    const x = at.x * c.k + c.x;
    const y = at.y * c.k + c.y;
    const inside = x > 40 && y > 40 && x < control.size.w - 40 && y < control.size.h - 40;
    return inside ? c : { ...c, x: control.size.w / 2 - at.x * c.k, y: control.size.h / 2 - at.y * c.k };
  });
}
