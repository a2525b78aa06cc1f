import { useSyncExternalStore, type ReactNode } from 'react';
import Flashbar, { type FlashbarProps } from '@cloudscape-design/components/flashbar';

interface Notice {
  id: string;
  type: FlashbarProps.Type;
  text: ReactNode;
}

let notices: readonly Notice[] = [];
const listeners = new Set<() => void>();

function set(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

/** Tells the person that something was done or was not. A success goes away by itself. */
export function notify(type: FlashbarProps.Type, text: ReactNode): void {
  const id = crypto.randomUUID();
  set([{ id, type, text }, ...notices].slice(0, 4));
  if (type === 'success') setTimeout(() => dismiss(id), 6000);
}

function dismiss(id: string): void {
  set(notices.filter((n) => n.id !== id));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Notices(): ReactNode {
  const shown = useSyncExternalStore(subscribe, () => notices);
  return (
    <Flashbar
      items={shown.map((n) => ({ id: n.id, type: n.type, content: n.text, dismissible: true, dismissLabel: 'Dismiss', onDismiss: () => dismiss(n.id), ariaRole: n.type === 'error' ? 'alert' : 'status' }))}
    />
  );
}
