import type { Instance } from '../model/instance';
import type { NetworkInterface } from '../model/networkInterface';
import { byName } from '../model/order';
import type { Peering } from '../model/peering';
import type { Subnet } from '../model/subnet';
import type { Vpc } from '../model/vpc';
import { groups } from '../model/groups';
import { center, type Rect } from './geometry';
import { links } from './links';
import type { Chip, Scene, SubnetBox, VpcBox } from './scene';
import { slots, type Slot } from './slots';

/** What is drawn. */
export interface Drawn {
  vpcs: Vpc[];
  subnets: Subnet[];
  interfaces: NetworkInterface[];
  instances: Instance[];
  peerings: Peering[];
  collapsed: (vpc: string) => boolean;
  before: ReadonlyMap<string, Slot>;
}

const chipSize = { w: 176, h: 50 };
const gap = 12;
// Room between the borders of interface, subnet and VPC for what decides there.
const aside = 26;
const subnetHead = 30;
const vpcHead = 54;
const emptySubnet = { w: chipSize.w + 2 * aside, h: subnetHead + 6 };
const collapsedSize = { w: 216, h: 88 };

/** Lays everything out. The same network at the same places gives the same map. */
export function layout(d: Drawn): { scene: Scene; slots: Map<string, Slot> } {
  const sorted = [...d.vpcs].sort((a, b) => Number(a.isDefault) - Number(b.isDefault) || byName(a.name, b.name) || byName(a.id, b.id));
  const shown = d.peerings.filter((p) => !['deleted', 'rejected', 'expired', 'failed'].includes(p.status));
  const known = new Set(sorted.map((v) => v.id));
  const pairs = shown.map((p): [string, string] => [p.requester.vpc, p.accepter.vpc]).filter(([a, b]) => known.has(a) && known.has(b));
  const places = slots({ ids: sorted.map((v) => v.id), pairs, before: d.before });
  const build = builder(d);
  const boxes = sorted.map((v) => build(v));
  place(boxes, places);
  const chips = new Map<string, Chip>();
  for (const box of boxes) {
    if (box.collapsed) {
      // What is inside a collapsed VPC stands in its middle.
      for (const chip of box.subnets.flatMap((s) => s.chips)) chips.set(chip.id, { ...chip, ...centered(box) });
      box.subnets = [];
    } else {
      for (const chip of box.subnets.flatMap((s) => s.chips)) chips.set(chip.id, chip);
    }
  }
  const byId = new Map(boxes.map((b) => [b.id, b]));
  return { scene: { vpcs: boxes, links: links(shown, byId), bounds: bounds(boxes), chips, byId }, slots: places };
}

function centered(box: Rect): Rect {
  const c = center(box);
  return { x: c.x - 4, y: c.y - 4, w: 8, h: 8 };
}

function builder(d: Drawn): (v: Vpc) => VpcBox {
  const instances = new Map(d.instances.map((i) => [i.id, i]));
  const bySubnet = groups(d.interfaces, (e) => e.subnet);
  const byVpc = groups(d.subnets, (s) => s.vpc);
  return (v) => {
    const subnets = [...(byVpc.get(v.id) ?? [])].sort((a, b) => byName(a.zone, b.zone) || byName(a.cidr, b.cidr));
    const boxes = subnets.map((s) => subnetBox(s, (bySubnet.get(s.id) ?? []).map((e) => chip(e, instances.get(e.instance))).sort((a, b) => byName(a.name, b.name) || byName(a.id, b.id))));
    const collapsed = d.collapsed(v.id);
    const size = collapsed ? collapsedSize : pack(boxes);
    return {
      id: v.id,
      name: v.name || (v.isDefault ? 'Default VPC' : v.id),
      cidr: v.cidrs.join(', '),
      state: v.state,
      collapsed,
      subnets: boxes,
      counts: { subnets: boxes.length, chips: boxes.reduce((n, s) => n + s.chips.length, 0) },
      x: 0,
      y: 0,
      ...size,
    };
  };
}

function chip(e: NetworkInterface, i: Instance | undefined): Chip {
  return {
    id: e.id,
    instance: e.instance,
    name: i?.name || e.name || e.instance || e.id,
    address: e.address,
    addresses: [...e.addresses, ...e.ipv6],
    state: i?.state ?? e.status,
    subnet: e.subnet,
    vpc: e.vpc,
    x: 0,
    y: 0,
    ...chipSize,
  };
}

function subnetBox(s: Subnet, chips: Chip[]): SubnetBox {
  const cols = Math.min(6, Math.max(1, Math.ceil(Math.sqrt(chips.length / 1.6))));
  const rows = Math.ceil(chips.length / cols);
  chips.forEach((c, i) => {
    c.x = aside + (i % cols) * (chipSize.w + gap);
    c.y = subnetHead + Math.floor(i / cols) * (chipSize.h + gap);
  });
  const size = chips.length === 0 ? emptySubnet : { w: 2 * aside - gap + cols * (chipSize.w + gap), h: subnetHead + rows * (chipSize.h + gap) + 6 };
  return { id: s.id, name: s.name || s.id, cidr: s.cidr || s.ipv6Cidrs.join(', '), zone: s.zone, chips, x: 0, y: 0, ...size };
}

/** Puts subnets into columns, each into the one that is shortest so far. */
function pack(boxes: SubnetBox[]): { w: number; h: number } {
  const count = boxes.length <= 2 ? 1 : boxes.length <= 8 ? 2 : Math.ceil(Math.sqrt(boxes.length));
  const columns = Array.from({ length: count }, () => ({ h: 0, w: 0, boxes: [] as SubnetBox[] }));
  for (const b of boxes) {
    const column = columns.reduce((least, c) => (c.h < least.h ? c : least));
    b.y = vpcHead + column.h;
    column.h += b.h + gap;
    column.w = Math.max(column.w, b.w);
    column.boxes.push(b);
  }
  let x = aside;
  for (const c of columns) {
    for (const b of c.boxes) {
      b.x = x;
      b.w = c.w;
    }
    x += c.w + gap;
  }
  const tall = Math.max(...columns.map((c) => c.h), 0);
  return { w: Math.max(x - gap + aside, collapsedSize.w), h: Math.max(vpcHead + tall + 12, collapsedSize.h) };
}

/** Moves boxes, and what is in them, to their cells. */
function place(boxes: VpcBox[], places: Map<string, Slot>): void {
  const wide = new Map<number, number>();
  const tall = new Map<number, number>();
  for (const b of boxes) {
    const s = places.get(b.id)!;
    wide.set(s.col, Math.max(wide.get(s.col) ?? 0, b.w));
    tall.set(s.row, Math.max(tall.get(s.row) ?? 0, b.h));
  }
  const space = boxes.length > 12 ? { x: 90, y: 60 } : { x: 172, y: 90 };
  const xs = starts(wide, space.x);
  const ys = starts(tall, space.y);
  for (const b of boxes) {
    const s = places.get(b.id)!;
    b.x = xs.get(s.col)! + (wide.get(s.col)! - b.w) / 2;
    b.y = ys.get(s.row)! + (tall.get(s.row)! - b.h) / 2;
    for (const subnet of b.subnets) {
      subnet.x += b.x;
      subnet.y += b.y;
      for (const c of subnet.chips) {
        c.x += subnet.x;
        c.y += subnet.y;
      }
    }
  }
}

function starts(sizes: Map<number, number>, space: number): Map<number, number> {
  const out = new Map<number, number>();
  let at = 0;
  for (const i of [...sizes.keys()].sort((a, b) => a - b)) {
    out.set(i, at);
    at += sizes.get(i)! + space;
  }
  return out;
}

function bounds(boxes: Rect[]): Rect {
  if (boxes.length === 0) return { x: 0, y: 0, w: 600, h: 400 };
  const x = Math.min(...boxes.map((b) => b.x));
  const y = Math.min(...boxes.map((b) => b.y));
  return { x, y, w: Math.max(...boxes.map((b) => b.x + b.w)) - x, h: Math.max(...boxes.map((b) => b.y + b.h)) - y };
}
