import { useCallback, useMemo, useState } from 'react';
import { kinds } from '../model/network';
import { useAll } from '../model/use';
import { useHere } from '../session/session';
import { layout } from './layout';
import type { Scene } from './scene';
import type { Slot } from './slots';

export interface Network {
  scene: Scene;
  ready: boolean;
  error: unknown;
  collapsed: (vpc: string) => boolean;
  toggle: (vpc: string) => void;
  setAll: (collapsed: boolean) => void;
  /** Forgets where VPCs were and arranges them by what connects them. */
  arrange: () => void;
}

/** Beyond so many, VPCs begin collapsed: the map stays readable. */
const readable = { vpcs: 16, interfaces: 400 };

/** What the map shows: everything of this account and Region, laid out. */
export function useNetwork(): Network {
  const { scope } = useHere();
  const vpcs = useAll(kinds.vpcs);
  const subnets = useAll(kinds.subnets);
  const interfaces = useAll(kinds.interfaces);
  const instances = useAll(kinds.instances);
  const peerings = useAll(kinds.peerings);
  const key = `tombolo.map.${scope.account}.${scope.region}`;
  const [arranged, setArranged] = useState(0);
  const [turned, setTurned] = useState<ReadonlyMap<string, boolean>>(new Map());

  const many = (vpcs.data?.length ?? 0) > readable.vpcs || (interfaces.data?.length ?? 0) > readable.interfaces;
  const empty = useMemo(() => {
    const used = new Set((interfaces.data ?? []).map((e) => e.vpc));
    return new Set((vpcs.data ?? []).filter((v) => v.isDefault && !used.has(v.id)).map((v) => v.id));
  }, [vpcs.data, interfaces.data]);
  const collapsed = useCallback((id: string) => turned.get(id) ?? (many || empty.has(id)), [turned, many, empty]);

  const scene = useMemo(() => {
    const { scene, slots } = layout({
      vpcs: vpcs.data ?? [],
      subnets: subnets.data ?? [],
      interfaces: interfaces.data ?? [],
      instances: instances.data ?? [],
      peerings: peerings.data ?? [],
      collapsed,
      before: remembered(key),
    });
    if (vpcs.data) localStorage.setItem(key, JSON.stringify([...slots]));
    return scene;
    // `arranged` says that what was remembered is forgotten.
  }, [vpcs.data, subnets.data, interfaces.data, instances.data, peerings.data, collapsed, key, arranged]);

  return {
    scene,
    ready: vpcs.data !== undefined && subnets.data !== undefined && interfaces.data !== undefined && instances.data !== undefined && peerings.data !== undefined,
    error: vpcs.error ?? subnets.error ?? interfaces.error ?? instances.error ?? peerings.error,
    collapsed,
    toggle: (id) => setTurned(new Map(turned).set(id, !collapsed(id))),
    setAll: (to) => setTurned(new Map((vpcs.data ?? []).map((v) => [v.id, to]))),
    arrange: () => {
      localStorage.removeItem(key);
      setArranged(arranged + 1);
    },
  };
}

function remembered(key: string): Map<string, Slot> {
  try {
    return new Map(JSON.parse(localStorage.getItem(key) ?? '[]') as [string, Slot][]);
  } catch {
    return new Map();
  }
}
