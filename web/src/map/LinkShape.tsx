import { memo, type ReactNode } from 'react';
import { words } from '../model/state';
import type { Detail } from './camera';
import { draw } from './geometry';
import { clip, sign } from './look';
import type { Link } from './scene';
import { Hit, type Picked } from './VpcShape';

/** The line of a peering connection; its label is drawn over the VPCs. */
export const LinkLine = memo(function LinkLine({ link, picked }: { link: Link; picked: Picked }): ReactNode {
  return <path className={`link ${sign(link.status).tone} ${link.status} ${picked.id === link.id ? 'picked' : ''} ${picked.dim(link.id) ? 'dim' : ''}`} d={draw(link.points)} onClick={() => picked.onPick(link.id)} />;
});

const size = { w: 148, h: 40 };

export const LinkLabel = memo(function LinkLabel({ link, detail, picked, focus }: { link: Link; detail: Detail; picked: Picked; focus: string }): ReactNode {
  if (detail !== 'full') return null;
  const s = sign(link.status);
  const r = { x: link.label.x - size.w / 2, y: link.label.y - size.h / 2, ...size };
  return (
    <g className={`label ${s.tone} ${picked.id === link.id ? 'picked' : ''} ${picked.dim(link.id) ? 'dim' : ''}`} data-testid={`map-${link.id}`}>
      <rect className="area" {...{ x: r.x, y: r.y, width: r.w, height: r.h }} rx={20} />
      <text className="name" x={link.label.x} y={link.label.y - 3} fontSize={12} textAnchor="middle">
        {clip(link.name, 20)}
      </text>
      <text className="sub" x={link.label.x} y={link.label.y + 12} fontSize={11} textAnchor="middle">
        <tspan className="sign">{s.glyph}</tspan> {words(link.status)}
      </text>
      <Hit id={link.id} label={`Peering ${link.name}, ${link.status}`} r={r} focus={focus} picked={picked} />
    </g>
  );
});
