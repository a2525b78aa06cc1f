import type { Status } from './session';

/** A terminal as the page shows it; what it runs on is loaded only when one is opened. */
export interface Shell {
  id: string;
  target: string;
  name: string;
  status: Status;
  words: string;
  screen: Screen;
}

/** What a terminal can be told. */
export interface Screen {
  mount: (into: HTMLElement) => () => void;
  copy: () => string;
  paste: (text: string) => void;
  setTheme: (dark: boolean) => void;
  close: () => void;
}

/** Shells keeps the open terminals while one looks at other pages. */
class Shells {
  private open: readonly Shell[] = [];
  private listeners = new Set<() => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  all = (): readonly Shell[] => this.open;

  add(shell: Shell): void {
    this.set([...this.open, shell]);
  }

  change(id: string, part: Partial<Shell>): void {
    this.set(this.open.map((s) => (s.id === id ? { ...s, ...part } : s)));
  }

  close(id: string): void {
    this.open.find((s) => s.id === id)?.screen.close();
    this.set(this.open.filter((s) => s.id !== id));
  }

  private set(next: readonly Shell[]): void {
    this.open = next;
    for (const listener of this.listeners) listener();
  }
}

export const shells = new Shells();
