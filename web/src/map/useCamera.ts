import { useCallback, useEffect, useRef, useState, type RefObject } from 'react';
import { fit, zoomAt, type Camera } from './camera';
import type { Point, Rect } from './geometry';

export interface CameraControl {
  camera: Camera;
  size: { w: number; h: number };
  set: (next: Camera | ((c: Camera) => Camera)) => void;
  fitTo: (r: Rect, most?: number) => void;
  zoom: (factor: number) => void;
  /** Whether the last pointer went far enough to be a drag and no click. */
  dragged: () => boolean;
  /** Whether the person chose what to look at; then nothing else moves the camera. */
  touched: () => boolean;
}

/** Pans and zooms by mouse, touch, wheel; keys are the map's own. */
export function useCamera(frame: RefObject<HTMLElement | null>): CameraControl {
  const [camera, set] = useState<Camera>({ x: 40, y: 40, k: 1 });
  const [size, setSize] = useState({ w: 1000, h: 600 });
  const moved = useRef(false);
  const own = useRef(false);

  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setSize({ w: Math.max(100, element.clientWidth), h: Math.max(100, element.clientHeight) }));
    observer.observe(element);
    return () => observer.disconnect();
  }, [frame]);

  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const byHand: Set = (next) => {
      own.current = true;
      set(next);
    };
    return listen(element, byHand, moved);
  }, [frame]);

  const fitTo = useCallback((r: Rect, most?: number) => set(fit(r, size.w, size.h, most)), [size]);
  const touched = useCallback(() => own.current, []);
  const zoom = useCallback(
    (factor: number) => {
      own.current = true;
      set((c) => zoomAt(c, { x: size.w / 2, y: size.h / 2 }, factor));
    },
    [size],
  );
  const dragged = useCallback(() => moved.current, []);
  return { camera, size, set, fitTo, zoom, dragged, touched };
}

type Set = (next: (c: Camera) => Camera) => void;

function listen(element: HTMLElement, set: Set, moved: { current: boolean }): () => void {
  const pointers = new Map<number, Point>();
  const place = (e: PointerEvent | WheelEvent): Point => {
    const r = element.getBoundingClientRect();
    return { x: e.clientX - r.left, y: e.clientY - r.top };
  };
  const down = (e: PointerEvent): void => {
    if (e.button !== 0 || (e.target as Element).closest('.over')) return;
    moved.current = false;
    pointers.set(e.pointerId, place(e));
  };
  const move = (e: PointerEvent): void => {
    const before = pointers.get(e.pointerId);
    if (!before) return;
    const now = place(e);
    if (!moved.current && Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
    if (!moved.current) element.setPointerCapture(e.pointerId);
    moved.current = true;
    const other = [...pointers].find(([id]) => id !== e.pointerId)?.[1];
    pointers.set(e.pointerId, now);
    if (other) {
      // Two fingers: what is between them stays there.
      const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
      set((c) => zoomAt(c, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 }, factor));
    } else {
      set((c) => ({ ...c, x: c.x + now.x - before.x, y: c.y + now.y - before.y }));
    }
  };
  const up = (e: PointerEvent): void => {
    pointers.delete(e.pointerId);
  };
  const wheel = (e: WheelEvent): void => {
    if ((e.target as Element).closest('.over')) return;
    e.preventDefault();
    const unit = e.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
    if (e.shiftKey) set((c) => ({ ...c, x: c.x - (e.deltaX || e.deltaY) * unit }));
    else set((c) => zoomAt(c, place(e), Math.exp(-e.deltaY * unit * (e.ctrlKey ? 0.01 : 0.0016))));
  };
  element.addEventListener('pointerdown', down);
  element.addEventListener('pointermove', move);
  element.addEventListener('pointerup', up);
  element.addEventListener('pointercancel', up);
  element.addEventListener('wheel', wheel, { passive: false });
  return () => {
    element.removeEventListener('pointerdown', down);
    element.removeEventListener('pointermove', move);
    element.removeEventListener('pointerup', up);
    element.removeEventListener('pointercancel', up);
    element.removeEventListener('wheel', wheel);
  };
}
