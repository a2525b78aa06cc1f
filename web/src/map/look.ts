import { look } from '../model/state';

/** The sign that stands for a state on the map: shape and colour both say it. */
export function sign(state: string): { glyph: string; tone: string } {
  switch (look(state)) {
    case 'success':
      return { glyph: '●', tone: 'good' };
    case 'pending':
      return { glyph: '◐', tone: 'wait' };
    case 'info':
      return { glyph: '◔', tone: 'wait' };
    case 'error':
      return { glyph: '✕', tone: 'bad' };
    case 'warning':
      return { glyph: '▲', tone: 'warn' };
    case 'stopped':
      return { glyph: '■', tone: 'off' };
  }
}

/** Cuts a text that is too long for its place. */
export function clip(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** "1 subnet", "3 subnets". */
export function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
