import { decode, encode, idText, payloads, types, type Message } from './frame';

/** A message that was not acknowledged. */
interface Flight {
  sequence: number;
  payload: number;
  content: Uint8Array;
  frame: Uint8Array<ArrayBuffer> | undefined;
  acked: boolean;
  /** When it was sent last on this websocket; 0 says not yet. */
  sent: number;
  repeats: number;
}

// How long to wait before sending again: the formula of AWS's plugin, which is
// TCP's (RFC 6298) with other constants; milliseconds.
const firstTimeout = 200;
const maxTimeout = 1000;
const minVariance = 10;

const window = 256;
const chunk = 1024;
const kept = 4096;

/**
 * Line is the client's end of the reliable channel that Session Manager makes of
 * websockets that come and go. It opens no socket and reads no clock: it is told what
 * arrived and what time it is, and says what to write and when to ask again.
 */
export class Line {
  private flying: Flight[] = [];
  private waiting: { payload: number; content: Uint8Array }[] = [];
  private sequence = 0;
  private expected = 0;
  private early = new Map<number, Message>();
  private acks: Message[] = [];
  private rtt = 100;
  private variance = 0;
  private timeout = firstTimeout;
  private ready: Message[] = [];
  private said: string | undefined;

  /** `newId` makes 16 random bytes. */
  constructor(private readonly newId: () => Uint8Array) {}

  /** Gives the channel one message to carry. */
  send(payload: number, content: Uint8Array): void {
    this.waiting.push({ payload, content });
  }

  /** Gives the channel a stream of bytes to carry, in messages that the agent takes. */
  write(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i += chunk) this.send(payloads.bytes, bytes.slice(i, i + chunk));
  }

  /** The next message in order for whoever listens. */
  take(): Message | undefined {
    return this.ready.shift();
  }

  /** What the server said at the end; undefined until it has. */
  get closure(): string | undefined {
    return this.said;
  }

  /** Whether everything that was sent arrived. */
  get drained(): boolean {
    return this.flying.length === 0 && this.waiting.length === 0;
  }

  /** A new websocket carries the channel: what was not acknowledged is sent again. */
  attach(): void {
    for (const f of this.flying) {
      f.sent = 0;
      f.repeats = 0;
    }
  }

  /** Takes a frame that arrived. What is none, or has no place here, changes nothing. */
  receive(now: number, frame: Uint8Array): void {
    const m = decode(frame);
    switch (m?.type) {
      case types.output:
        this.hear(m);
        break;
      case types.acknowledge:
        this.acknowledged(now, m);
        break;
      case types.closed:
        this.said ??= text(m.content, 'Output');
    }
  }

  private hear(m: Message): void {
    if (m.sequence > this.expected) {
      // Early: kept if there is room; otherwise the server sends it again.
      if (this.early.size >= kept) return;
      this.early.set(m.sequence, m);
    }
    // One that came before is acknowledged again: the first answer may be lost.
    this.acks.push(m);
    if (m.sequence !== this.expected) return;
    for (let next: Message | undefined = m; next; next = this.early.get(this.expected)) {
      this.ready.push(next);
      this.early.delete(this.expected++);
    }
  }

  private acknowledged(now: number, m: Message): void {
    const sequence = Number(text(m.content, 'AcknowledgedMessageSequenceNumber'));
    const f = this.flying.find((x) => x.sequence === sequence && x.frame !== undefined);
    if (!f || f.acked) return;
    // Sent once, so the answer is to that one.
    if (f.repeats === 0 && f.sent > 0) this.measure(Math.max(0, now - f.sent));
    f.acked = true;
    while (this.flying[0]?.acked) this.flying.shift();
  }

  private measure(rtt: number): void {
    this.variance = (this.variance * 3) / 4 + Math.abs(this.rtt - rtt) / 4;
    this.rtt = (this.rtt * 7) / 8 + rtt / 8;
    this.timeout = Math.min(maxTimeout, this.rtt + Math.max(minVariance, 4 * this.variance));
  }

  /** The frame to write now: acknowledgements, then what is repeated, then what is new. */
  next(now: number): Uint8Array<ArrayBuffer> | undefined {
    const owed = this.acks.shift();
    if (owed) return this.ack(now, owed);
    if (this.said !== undefined) return undefined;
    const again = this.flying.find((f) => f.sent === 0 && !f.acked);
    if (again) return this.fly(now, again);
    const head = this.flying[0];
    if (head && now >= this.due(head)) {
      head.repeats++;
      return this.fly(now, head);
    }
    const fresh = this.flying.length < window ? this.waiting.shift() : undefined;
    if (!fresh) return undefined;
    const f: Flight = { sequence: this.sequence++, ...fresh, frame: undefined, acked: false, sent: 0, repeats: 0 };
    this.flying.push(f);
    return this.fly(now, f);
  }

  /** When to ask again at the latest; undefined when only something new changes anything. */
  again(): number | undefined {
    const head = this.flying[0];
    return head && this.said === undefined ? this.due(head) : undefined;
  }

  private due(f: Flight): number {
    return f.sent + Math.min(maxTimeout, this.timeout * 2 ** Math.min(f.repeats, 4));
  }

  private fly(now: number, f: Flight): Uint8Array<ArrayBuffer> {
    f.frame ??= encode({ type: types.input, sequence: f.sequence, flags: 0, id: this.newId(), created: now, payload: f.payload, content: f.content });
    f.sent = now;
    return f.frame;
  }

  private ack(now: number, m: Message): Uint8Array<ArrayBuffer> {
    const content = {
      AcknowledgedMessageType: m.type,
      AcknowledgedMessageId: idText(m.id),
      AcknowledgedMessageSequenceNumber: m.sequence,
      IsSequentialMessage: true,
    };
    return encode({ type: types.acknowledge, sequence: 0, flags: 3, id: this.newId(), created: now, payload: 0, content: new TextEncoder().encode(JSON.stringify(content)) });
  }
}

/** A member of a JSON document as text; '' when it cannot be read. */
function text(content: Uint8Array, member: string): string {
  try {
    return String((JSON.parse(new TextDecoder().decode(content)) as Record<string, unknown>)[member] ?? '');
  } catch {
    return '';
  }
}
