import { expect, test } from 'vitest';
import type { Peering } from '../model/peering';
import { contains, leaving, overlaps } from './geometry';
import { layout, type Drawn } from './layout';
import { way } from './way';

function network(vpcs: number, perVpc: number, pairs: [number, number][] = []): Drawn {
  const ids = Array.from({ length: vpcs }, (_, i) => `vpc-${i}`);
  const tagged = (id: string) => ({ id, name: id, tags: {} });
  return {
    vpcs: ids.map((id) => ({ ...tagged(id), cidrs: ['10.0.0.0/16'], ipv6Cidrs: [], state: 'available', isDefault: false, owner: '1', tenancy: 'default' })),
    subnets: ids.map((vpc) => ({ ...tagged(`subnet-${vpc}`), vpc, cidr: '10.0.0.0/24', ipv6Cidrs: [], zone: 'a', state: 'available', free: 1, isDefault: false, publicIp: false, assignIpv6: false })),
    interfaces: ids.flatMap((vpc) =>
      Array.from({ length: perVpc }, (_, i) => ({ ...tagged(`eni-${vpc}-${i}`), vpc, subnet: `subnet-${vpc}`, zone: 'a', status: 'in-use', description: '', address: '10.0.0.1', addresses: ['10.0.0.1'], ipv6: [], mac: '', groups: [], sourceDestCheck: true, instance: '', attachment: '', device: 0 })),
    ),
    instances: [],
    peerings: pairs.map(([a, b]): Peering => {
      const end = (i: number) => ({ vpc: `vpc-${i}`, owner: '1', region: 'r', cidrs: [] });
      return { ...tagged(`pcx-${a}-${b}`), requester: end(a), accepter: end(b), status: 'active', message: '', expires: '' };
    }),
    collapsed: () => false,
    before: new Map(),
  };
}

test('nothing overlaps, everything is inside what it belongs to', () => {
  for (const d of [network(3, 2), network(1, 40), network(30, 7, [[0, 1], [0, 2], [0, 3]])]) {
    const { scene } = layout(d);
    for (const a of scene.vpcs) {
      for (const b of scene.vpcs) if (a !== b) expect(overlaps(a, b), `${a.id} ${b.id}`).toBe(false);
      for (const s of a.subnets) {
        expect(contains(a, s) && contains(a, { x: s.x + s.w, y: s.y + s.h })).toBe(true);
        for (const c of s.chips) {
          expect(contains(s, c) && contains(s, { x: c.x + c.w, y: c.y + c.h })).toBe(true);
          for (const other of s.chips) if (c !== other) expect(overlaps(c, other)).toBe(false);
        }
      }
    }
  }
});

test('the same network gives the same map', () => {
  expect(layout(network(9, 3, [[0, 5]])).scene.vpcs).toEqual(layout(network(9, 3, [[0, 5]])).scene.vpcs);
});

test('a new VPC or a new peering moves no VPC to another place', () => {
  const first = layout(network(4, 2));
  const later = layout({ ...network(6, 2, [[0, 3], [5, 2]]), before: first.slots });
  for (const [id, slot] of first.slots) expect(later.slots.get(id)).toEqual(slot);
});

test('a hub stands between its spokes', () => {
  const { slots } = layout(network(3, 1, [[0, 2], [1, 2]]));
  expect([0, 1].map((i) => Math.abs(slots.get(`vpc-${i}`)!.col - slots.get('vpc-2')!.col))).toEqual([1, 1]);
});

test('a way leaves its chip, its VPC, and goes over the link', () => {
  const { scene } = layout(network(2, 1, [[0, 1]]));
  const [a, b] = [...scene.chips.values()];
  const w = way(scene, a!, b!);
  expect(w.points[0]!.x).toBe(a!.x + a!.w);
  expect(w.stations.peering).toEqual(scene.links[0]!.label);
  expect(contains(scene.byId.get('vpc-0')!, w.stations['source-table']!)).toBe(true);
  expect(way(scene, b!, a!).points.at(-1)).toEqual(w.points[0]);
});

test('a line leaves a rectangle at its border', () => {
  expect(leaving({ x: 0, y: 0, w: 10, h: 10 }, { x: 5, y: 5 }, { x: 25, y: 5 })).toEqual({ x: 10, y: 5 });
  expect(leaving({ x: 0, y: 0, w: 10, h: 10 }, { x: 5, y: 5 }, { x: 6, y: 5 })).toEqual({ x: 6, y: 5 });
});

test('a thousand interfaces are laid out at once', () => {
  const begin = performance.now();
  const { scene } = layout(network(200, 5, Array.from({ length: 199 }, (_, i): [number, number] => [0, i + 1])));
  expect(scene.chips.size).toBe(1000);
  // 20 ms or so; the limit is for a machine that does much else.
  expect(performance.now() - begin).toBeLessThan(1000);
});
