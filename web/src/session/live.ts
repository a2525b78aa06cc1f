import { useEffect, useRef, useSyncExternalStore } from 'react';
import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { Refusal } from '../wire/refusal';
import { follow, type StreamEvent } from '../wire/events';
import type { Fabric } from './session';

/** One flow as the kernel counted it in the last moment. */
export interface Flow {
  eni: string;
  src: string;
  dst: string;
  sport: number;
  dport: number;
  protocol: number;
  action: 'ACCEPT' | 'REJECT';
  direction: 'ingress' | 'egress';
  packets: number;
  bytes: number;
}

type FlowListener = (flows: Flow[]) => void;

/** Live carries the daemon's one stream of events to everybody on the page. */
class Live {
  private client: QueryClient | undefined;
  private flowListeners = new Set<FlowListener>();
  private listeners = new Set<() => void>();
  private stop: AbortController | undefined;
  private waiting = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private connected = false;
  private generation: number | undefined;
  private plane: Partial<Fabric> | undefined;

  start(client: QueryClient): () => void {
    this.client = client;
    void this.run();
    return () => {
      this.client = undefined;
      this.stop?.abort();
    };
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  isConnected = (): boolean => this.connected;
  fabric = (): Partial<Fabric> | undefined => this.plane;

  /** Asks for flows as long as somebody looks: they cost the daemon something. */
  watchFlows(listener: FlowListener): () => void {
    this.flowListeners.add(listener);
    if (this.flowListeners.size === 1) this.stop?.abort();
    return () => {
      this.flowListeners.delete(listener);
      if (this.flowListeners.size === 0) this.stop?.abort();
    };
  }

  private async run(): Promise<void> {
    let pause = 250;
    // A daemon without a data plane has no flows to tell of.
    let packets = true;
    while (this.client) {
      const stop = new AbortController();
      this.stop = stop;
      try {
        await follow(packets && this.flowListeners.size > 0, (e) => {
          pause = 250;
          this.set(true);
          this.hear(e);
        }, stop.signal);
      } catch (e) {
        // The daemon is away or the stream was ended here; either way: again.
        if (e instanceof Refusal && e.status === 409) packets = false;
      }
      if (stop.signal.aborted) continue;
      this.set(false);
      await new Promise((again) => setTimeout(again, pause));
      pause = Math.min(pause * 2, 5000);
    }
  }

  private hear(e: StreamEvent): void {
    switch (e.name) {
      case 'state':
        this.state(JSON.parse(e.data) as { generation: number; kinds?: string[] });
        break;
      case 'plane':
        this.plane = JSON.parse(e.data) as Partial<Fabric>;
        this.tell();
        break;
      case 'flows':
        for (const listener of this.flowListeners) listener((JSON.parse(e.data) as { flows: Flow[] }).flows);
    }
  }

  /** The first event of a stream names no kinds: it says where the stream begins. */
  private state({ generation, kinds = [] }: { generation: number; kinds?: string[] }): void {
    const before = this.generation;
    this.generation = generation;
    if (kinds.length > 0) this.changed(kinds);
    // What was missed while there was no stream is asked for; nothing, if nothing was.
    else if (before !== undefined && before !== generation) this.changed(['']);
    // The page's first lists may be older than its first stream.
    else if (before === undefined) void this.client?.invalidateQueries({ predicate: (q) => q.queryKey[0] === 'ec2' && q.state.dataUpdatedAt > 0 });
  }

  /** Many changes in a moment are one reason to ask again. */
  private changed(kinds: string[]): void {
    for (const kind of kinds) this.waiting.add(kind);
    this.timer ??= setTimeout(() => {
      const kinds = this.waiting;
      this.waiting = new Set();
      this.timer = undefined;
      const all = ['', 'tags', 'world'].some((k) => kinds.has(k));
      void this.client?.invalidateQueries({
        predicate: ({ queryKey: [what, , , , rows] }) => what === 'reach' || (what === 'ec2' && (all || (Array.isArray(rows) && rows.some((r) => kinds.has(String(r)))))),
      });
    }, 60);
  }

  private set(connected: boolean): void {
    if (this.connected === connected) return;
    this.connected = connected;
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

export const live = new Live();

/** Keeps the page up to date while it is mounted. */
export function useLive(): void {
  const client = useQueryClient();
  useEffect(() => live.start(client), [client]);
}

export function useConnected(): boolean {
  return useSyncExternalStore(live.subscribe, live.isConnected);
}

export function useFabric(): Partial<Fabric> | undefined {
  return useSyncExternalStore(live.subscribe, live.fabric);
}

/** Hears of flows while `on`. */
export function useFlows(on: boolean, hear: FlowListener): void {
  const latest = useRef(hear);
  latest.current = hear;
  useEffect(() => (on ? live.watchFlows((f) => latest.current(f)) : undefined), [on]);
}
