import { useSyncExternalStore } from 'react';
import { applyMode, Mode } from '@cloudscape-design/global-styles';

export type Theme = 'light' | 'dark';

const key = 'tombolo.theme';
const listeners = new Set<() => void>();
const system = matchMedia('(prefers-color-scheme: dark)');
let theme: Theme = (localStorage.getItem(key) as Theme | null) ?? (system.matches ? 'dark' : 'light');

/** Shows the page in a theme; without one, as the system wants it. */
export function setTheme(next: Theme, remember = true): void {
  theme = next;
  if (remember) localStorage.setItem(key, next);
  applyMode(next === 'dark' ? Mode.Dark : Mode.Light);
  document.documentElement.style.colorScheme = next;
  for (const listener of listeners) listener();
}

export function startTheme(): void {
  setTheme(theme, false);
  system.addEventListener('change', (e) => {
    if (localStorage.getItem(key) === null) setTheme(e.matches ? 'dark' : 'light', false);
  });
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => theme,
  );
}
