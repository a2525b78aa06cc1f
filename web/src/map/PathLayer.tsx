import type { ReactNode } from 'react';
import { draw } from './geometry';
import type { Path, Stop } from './path';

/** The line of a path: solid as far as packets come, dotted beyond. */
export function PathLine({ path }: { path: Path }): ReactNode {
  return (
    <g className="way" aria-hidden="true" data-testid="map-path">
      {path.beyond.length > 1 && <path className="beyond" d={draw(path.beyond)} />}
      <path className={`halo ${path.blocked ? 'bad' : 'good'}`} d={draw(path.passed)} />
      <path className={`passed ${path.verdict}`} d={draw(path.passed)} />
    </g>
  );
}

/** The components on a path, numbered; the one that blocks is a red cross. */
export function PathStops({ path, k }: { path: Path; k: number }): ReactNode {
  const r = Math.max(9, 7 / k);
  return (
    <g aria-hidden="true">
      {path.stops.map((s) => {
        const size = s === path.blocked ? r * 1.5 : r;
        // The number of a peering stands on its label's edge, not on its name.
        const y = s.hop.kind === 'vpc-peering-connection' ? s.at.y - 20 : s.at.y;
        return (
          <g key={`${s.number} ${s.hop.component}`} className={`stop ${lookOf(s)}`} transform={`translate(${s.at.x} ${y})`}>
            <circle r={size} />
            <text fontSize={size * 1.15} textAnchor="middle" dominantBaseline="central">
              {s.hop.blocked ? '✕' : s.number}
            </text>
          </g>
        );
      })}
    </g>
  );
}

function lookOf(s: Stop): string {
  if (s.hop.beyond) return 'off';
  return s.hop.blocked ? 'bad' : 'good';
}
