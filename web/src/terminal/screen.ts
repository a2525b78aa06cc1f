import { FitAddon } from '@xterm/addon-fit';
import { Terminal, type ITheme } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import type { Scope } from '../wire/ec2';
import { refusalOf } from '../wire/refusal';
import { Session } from './session';
import { shells, type Screen } from './shells';

const dark: ITheme = { background: '#0d131a', foreground: '#e6ebf1', cursor: '#f2c879', selectionBackground: '#2f4d6b' };
const light: ITheme = {
  background: '#fbfcfd',
  foreground: '#16191f',
  cursor: '#0b5cad',
  selectionBackground: '#bcd8f5',
  green: '#00663d',
  yellow: '#7a5200',
  blue: '#0b4f9e',
  magenta: '#8a2a8a',
  cyan: '#006b75',
  red: '#b00020',
  white: '#4a5563',
  brightWhite: '#16191f',
  brightGreen: '#00663d',
  brightYellow: '#7a5200',
  brightCyan: '#006b75',
};

/** Opens a shell in an instance. */
export function openShell(scope: Scope, target: string, name: string, darkTheme: boolean): string {
  const id = crypto.randomUUID();
  const terminal = new Terminal({
    fontFamily: "ui-monospace, 'Cascadia Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace",
    fontSize: 14,
    cursorBlink: true,
    scrollback: 10_000,
    theme: darkTheme ? dark : light,
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  const session = new Session(scope, target, {
    print: (bytes, done) => terminal.write(bytes, done),
    status: (status, words) => {
      shells.change(id, { status, words });
      if (status === 'ended') terminal.write(`\r\n\x1b[7m ${words === '' ? 'The session has ended.' : words} \x1b[0m\r\n`);
    },
  });
  terminal.onData((text) => session.type(text));
  terminal.onBinary((text) => session.type(text));
  terminal.onResize(({ cols, rows }) => session.resize(cols, rows));
  terminal.attachCustomKeyEventHandler((e) => clipboard(e, terminal));
  shells.add({ id, target, name, status: 'connecting', words: '', screen: screenOf(terminal, fit, session) });
  session.start().catch((e: unknown) => {
    const r = refusalOf(e);
    shells.change(id, { status: 'ended', words: `${r.message} (${r.code})` });
    terminal.write(`${r.message} (${r.code})\r\n`);
  });
  return id;
}

function screenOf(terminal: Terminal, fit: FitAddon, session: Session): Screen {
  return {
    mount: (into) => {
      if (terminal.element) into.appendChild(terminal.element);
      else terminal.open(into);
      const observer = new ResizeObserver(() => fit.fit());
      observer.observe(into);
      fit.fit();
      session.resize(terminal.cols, terminal.rows);
      terminal.focus();
      return () => observer.disconnect();
    },
    copy: () => terminal.getSelection(),
    paste: (text) => terminal.paste(text),
    setTheme: (to) => {
      terminal.options.theme = to ? dark : light;
    },
    close: () => {
      void session.end();
      terminal.dispose();
    },
  };
}

/** Ctrl+Shift+C and V, as terminals have them: Ctrl+C belongs to the shell. */
function clipboard(e: KeyboardEvent, terminal: Terminal): boolean {
  if (e.type !== 'keydown' || !e.ctrlKey || !e.shiftKey) return true;
  if (e.code === 'KeyC' && terminal.hasSelection()) {
    void navigator.clipboard.writeText(terminal.getSelection());
    e.preventDefault();
    return false;
  }
  if (e.code === 'KeyV') {
    // The browser's own paste event follows, and xterm takes it.
    return false;
  }
  return true;
}
