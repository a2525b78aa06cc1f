import { useSyncExternalStore, type ReactNode } from 'react';

export interface Notice {
  id: string;
  type: 'success' | 'info' | 'error';
  text: ReactNode;
}

let notices: readonly Notice[] = [];
const listeners = new Set<() => void>();

function set(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

/** Tells the person that something was done or was not. A success goes away by itself. */
export function notify(type: 'success' | 'info' | 'error', text: ReactNode): void {
  const id = crypto.randomUUID();
  set([{ id, type, text }, ...notices].slice(0, 4));
  if (type === 'success') setTimeout(() => dismiss(id), 6000);
}

/** Takes a notice away. */
export function dismiss(id: string): void {
  set(notices.filter((n) => n.id !== id));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useNotices(): readonly Notice[] {
  return useSyncExternalStore(subscribe, () => notices);
}
