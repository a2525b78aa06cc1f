import type { Scope } from '../wire/ec2';
import { ssm } from '../wire/ssm';
import { payloads, type Message } from './frame';
import { Line } from './line';

export type Status = 'connecting' | 'open' | 'reconnecting' | 'ended';

interface Opened {
  SessionId: string;
  TokenValue?: string;
}

/** Who listens to a session. */
export interface Listener {
  /** What it prints; `done` is called when the screen has taken it. */
  print: (bytes: Uint8Array, done: () => void) => void;
  status: (s: Status, words: string) => void;
}

// A version of AWS's plugin that knows everything that this client does.
const clientVersion = '1.2.792.0';
const firstPause = 100;
const maxPause = 2000;
const patience = 60_000;
// While the screen is so far behind, nothing is acknowledged: the server waits.
const behind = 1 << 20;

/** A Session Manager session over websockets that may break and are taken up again. */
export class Session {
  id = '';
  private line = new Line(() => crypto.getRandomValues(new Uint8Array(16)));
  private socket: WebSocket | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private token = '';
  private over = false;
  private size = { cols: 80, rows: 24 };
  private handshaken = false;
  private printing = 0;
  private held: Uint8Array[] = [];
  private readonly clientId = crypto.randomUUID();

  constructor(
    private readonly scope: Scope,
    private readonly target: string,
    private readonly listener: Listener,
  ) {}

  /** Starts the session; a refusal by the API is thrown. */
  async start(): Promise<void> {
    this.listener.status('connecting', '');
    const opened = await ssm<Opened>(this.scope, 'StartSession', { Target: this.target });
    this.id = opened.SessionId;
    this.token = opened.TokenValue ?? '';
    if (this.over) {
      await this.terminate();
      return;
    }
    this.open(Date.now());
  }

  /** Types something. */
  type(text: string): void {
    this.line.write(new TextEncoder().encode(text));
    this.flush();
  }

  resize(cols: number, rows: number): void {
    if (cols === this.size.cols && rows === this.size.rows) return;
    this.size = { cols, rows };
    if (this.handshaken) this.tellSize();
  }

  /** Ends the session, here and there. */
  async end(): Promise<void> {
    const was = this.over;
    this.over = true;
    clearTimeout(this.timer);
    this.socket?.close();
    if (!was && this.id !== '') await this.terminate();
  }

  private async terminate(): Promise<void> {
    await ssm(this.scope, 'TerminateSession', { SessionId: this.id }).catch(() => undefined);
  }

  private open(since: number, pause = firstPause): void {
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(`${scheme}//${location.host}/console/stream/${encodeURIComponent(this.id)}`);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    socket.onopen = () => {
      socket.send(JSON.stringify({ MessageSchemaVersion: '1.0', RequestId: crypto.randomUUID(), TokenValue: this.token, ClientId: this.clientId, ClientVersion: clientVersion }));
      this.line.attach();
      if (this.handshaken) this.listener.status('open', '');
      this.flush();
    };
    socket.onmessage = (e) => {
      if (this.socket !== socket || !(e.data instanceof ArrayBuffer)) return;
      pause = firstPause;
      since = Date.now();
      const frame = new Uint8Array(e.data);
      if (this.printing > behind) this.held.push(frame);
      else this.take(frame);
    };
    socket.onclose = () => {
      if (this.socket !== socket || this.over) return;
      // What was held back was not acknowledged, and comes again.
      this.held = [];
      void this.again(since, pause);
    };
  }

  /** Asks for another token and opens another websocket, until patience ends. */
  private async again(since: number, pause: number): Promise<void> {
    clearTimeout(this.timer);
    this.listener.status('reconnecting', '');
    await new Promise((go) => setTimeout(go, pause));
    if (this.over) return;
    try {
      const opened = await ssm<Opened>(this.scope, 'ResumeSession', { SessionId: this.id });
      if (!opened.TokenValue) {
        this.finish('The session is over: it cannot be resumed.');
        return;
      }
      this.token = opened.TokenValue;
      this.open(since, Math.min(pause * 2, maxPause));
    } catch (e) {
      if (Date.now() - since > patience) this.finish(`The connection is lost: ${e instanceof Error ? e.message : String(e)}`);
      else void this.again(since, Math.min(pause * 2, maxPause));
    }
  }

  private take(frame: Uint8Array): void {
    this.line.receive(Date.now(), frame);
    for (let m = this.line.take(); m; m = this.line.take()) this.hear(m);
    this.flush();
    if (this.line.closure !== undefined) this.finish(this.line.closure);
  }

  private hear(m: Message): void {
    switch (m.payload) {
      case payloads.request:
        this.line.send(payloads.response, utf8(answerTo(m.content)));
        break;
      case payloads.complete:
        this.handshaken = true;
        this.listener.status('open', '');
        this.tellSize();
        break;
      case payloads.bytes:
      case payloads.stderr:
        this.print(m.content);
    }
  }

  private print(content: Uint8Array): void {
    this.printing += content.length;
    this.listener.print(content, () => {
      this.printing -= content.length;
      while (this.printing <= behind && this.held.length > 0) this.take(this.held.shift()!);
    });
  }

  private tellSize(): void {
    this.line.send(payloads.size, utf8(JSON.stringify(this.size)));
    this.flush();
  }

  /** Writes what there is to write, and comes back when something may have to be repeated. */
  private flush(): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    const now = Date.now();
    for (let f = this.line.next(now); f; f = this.line.next(now)) socket.send(f);
    const again = this.line.again();
    if (again !== undefined && !this.over) this.timer = setTimeout(() => this.flush(), Math.max(10, again - now));
  }

  private finish(words: string): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.socket?.close();
    this.listener.status('ended', words);
  }
}

/** The answer to a HandshakeRequest: every session type of a terminal is known here. */
function answerTo(content: Uint8Array): string {
  const request = JSON.parse(new TextDecoder().decode(content)) as { RequestedClientActions?: { ActionType: string }[] };
  const done = (request.RequestedClientActions ?? []).map((a) =>
    a.ActionType === 'SessionType'
      ? { ActionType: a.ActionType, ActionStatus: 1, ActionResult: null, Error: '' }
      : { ActionType: a.ActionType, ActionStatus: 3, ActionResult: null, Error: 'unsupported action' },
  );
  return JSON.stringify({ ClientVersion: clientVersion, ProcessedClientActions: done, Errors: null });
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
