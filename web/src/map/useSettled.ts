import { useEffect, useState } from 'react';
import type { Camera } from './camera';

const pause = 130;

/**
 * The camera that the drawing was made for. While the person pans and zooms, the
 * finished drawing is only moved and scaled, which is cheap; it is drawn anew when
 * the camera rests, or when it shows what the drawing does not have.
 */
export function useSettled(camera: Camera, size: { w: number; h: number }): Camera {
  const [base, setBase] = useState(camera);
  const r = camera.k / base.k;
  const far = r < 0.55 || r > 1.9 || Math.abs(camera.x - base.x * r) > size.w * 0.45 || Math.abs(camera.y - base.y * r) > size.h * 0.45;
  useEffect(() => {
    if (camera === base) return undefined;
    if (far) {
      setBase(camera);
      return undefined;
    }
    const timer = setTimeout(() => setBase(camera), pause);
    return () => clearTimeout(timer);
  }, [camera, base, far]);
  return base;
}

/** The CSS transform that shows a drawing made for one camera through another. */
export function shift(base: Camera, camera: Camera): string {
  const r = camera.k / base.k;
  return `translate(${camera.x - base.x * r}px, ${camera.y - base.y * r}px) scale(${r})`;
}
