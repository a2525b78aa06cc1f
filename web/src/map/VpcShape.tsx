import { memo, type ReactNode } from 'react';
import type { Detail } from './camera';
import { overlaps, type Rect } from './geometry';
import { clip, count, sign } from './look';
import type { Chip, SubnetBox, VpcBox } from './scene';

export interface Picked {
  id: string;
  dim: (id: string) => boolean;
  onPick: (id: string) => void;
  onOpen: (id: string) => void;
}

interface Props {
  box: VpcBox;
  detail: Detail;
  view: Rect;
  picked: Picked;
  focus: string;
  /** Zoom, where a text must keep its size on the screen. */
  k: number;
}

/** A VPC with its subnets and interfaces. */
export const VpcShape = memo(function VpcShape({ box, detail, view, picked, focus, k }: Props): ReactNode {
  const s = sign(box.state);
  const label = `VPC ${box.name}, ${box.cidr}, ${box.state}, ${count(box.counts.subnets, 'subnet')}, ${count(box.counts.chips, 'interface')}${box.collapsed ? ', collapsed' : ''}`;
  const classes = `vpc ${s.tone} ${picked.id === box.id ? 'picked' : ''} ${picked.dim(box.id) ? 'dim' : ''}`;
  // Far away, a name keeps its size on the screen as long as its box has room.
  const size = detail === 'full' ? 15 : Math.min(11 / k, box.h * 0.36);
  const room = Math.max(3, Math.floor((box.w - 24) / (size * 0.6)));
  return (
    <g className={classes} data-testid={`map-${box.id}`}>
      <rect className="area" x={box.x} y={box.y} width={box.w} height={box.h} rx={14} onClick={() => picked.onPick(box.id)} onDoubleClick={() => picked.onOpen(box.id)} />
      {!box.collapsed && box.subnets.map((subnet) => (overlaps(subnet, view)) && <SubnetShape key={subnet.id} box={subnet} detail={detail} picked={picked} focus={focus} />)}
      {detail === 'full' ? (
        <g className="head">
          <text className="name" x={box.x + 16} y={box.y + 24} fontSize={size}>
            {clip(box.name, room)}
          </text>
          <text className="sub" x={box.x + 16} y={box.y + (box.collapsed ? 46 : 42)} fontSize={12}>
            {clip(box.cidr, Math.floor((box.w - 30) / 7))}
          </text>
          {!box.collapsed && box.counts.subnets === 0 && (
            <text className="sub" x={box.x + 16} y={box.y + 70} fontSize={12}>
              No subnets yet
            </text>
          )}
          {box.collapsed && (
            <text className="sub" x={box.x + 16} y={box.y + 70} fontSize={12}>
              {count(box.counts.subnets, 'subnet')} · {count(box.counts.chips, 'interface')}
            </text>
          )}
        </g>
      ) : (
        <text className="far" x={box.x + 12} y={box.y + (box.collapsed ? box.h / 2 + size / 3 : size * 1.15)} fontSize={size}>
          {clip(box.name, room)}
        </text>
      )}
      <Hit id={box.id} label={label} r={{ x: box.x, y: box.y, w: box.w, h: Math.min(box.h, 50) }} focus={focus} picked={picked} />
    </g>
  );
});

function SubnetShape({ box, detail, picked, focus }: { box: SubnetBox; detail: Detail; picked: Picked; focus: string }): ReactNode {
  if (detail !== 'full') {
    // Hundreds of chips are one path for each look: they are drawn at once.
    const looks = [...new Set(box.chips.map((c) => sign(c.state).tone))];
    return (
      <g className="subnet">
        <rect className="area" x={box.x} y={box.y} width={box.w} height={box.h} rx={8} />
        {looks.map((tone) => (
          <path key={tone} className={`chips ${tone}`} d={box.chips.filter((c) => sign(c.state).tone === tone).map((c) => `M${c.x} ${c.y}h${c.w}v${c.h}h${-c.w}z`).join('')} />
        ))}
      </g>
    );
  }
  return (
    <g className={`subnet ${picked.id === box.id ? 'picked' : ''}`} data-testid={`map-${box.id}`}>
      <rect className="area" x={box.x} y={box.y} width={box.w} height={box.h} rx={8} onClick={() => picked.onPick(box.id)} />
      <text className="sub" x={box.x + 10} y={box.y + 20} fontSize={11.5}>
        {clip(`${box.name}  ${box.cidr}`, Math.floor((box.w - 20) / 6.3))}
      </text>
      {box.chips.map((c) => (
        <ChipShape key={c.id} chip={c} picked={picked} focus={focus} />
      ))}
    </g>
  );
}

function ChipShape({ chip, picked, focus }: { chip: Chip; picked: Picked; focus: string }): ReactNode {
  const s = sign(chip.state);
  const classes = `chip ${s.tone} ${picked.id === chip.id ? 'picked' : ''} ${picked.dim(chip.id) ? 'dim' : ''} ${chip.instance === '' ? 'free' : ''}`;
  return (
    <g className={classes} data-testid={`map-${chip.id}`}>
      <rect className="area" x={chip.x} y={chip.y} width={chip.w} height={chip.h} rx={8} />
      <text className="sign" x={chip.x + 11} y={chip.y + 21} fontSize={13}>
        {s.glyph}
      </text>
      <text className="name" x={chip.x + 29} y={chip.y + 21} fontSize={13}>
        {clip(chip.name, 18)}
      </text>
      <text className="sub" x={chip.x + 29} y={chip.y + 38} fontSize={11.5}>
        {clip(chip.address, 16)}
        {chip.state !== 'running' && chip.state !== 'in-use' ? `  ${chip.state}` : ''}
      </text>
      <Hit id={chip.id} label={`${chip.name}, ${chip.address}, ${chip.state}`} r={chip} focus={focus} picked={picked} />
    </g>
  );
}

/** What one clicks, and what the keyboard and a screen reader find. */
export function Hit({ id, label, r, focus, picked }: { id: string; label: string; r: Rect; focus: string; picked: Picked }): ReactNode {
  return (
    <rect
      className="hit"
      x={r.x}
      y={r.y}
      width={r.w}
      height={r.h}
      rx={8}
      role="button"
      aria-label={label}
      aria-pressed={picked.id === id}
      tabIndex={focus === id ? 0 : -1}
      data-id={id}
      onClick={(e) => {
        e.stopPropagation();
        picked.onPick(id);
      }}
      onDoubleClick={() => picked.onOpen(id)}
    />
  );
}
