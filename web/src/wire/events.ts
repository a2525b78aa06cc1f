import { post, refused } from './bridge';

/** One event of a stream. */
export interface StreamEvent {
  name: string;
  data: string;
}

/**
 * Feed takes a text/event-stream apart, in whatever pieces it arrives
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 */
export class Feed {
  private rest = '';

  push(piece: string): StreamEvent[] {
    this.rest += piece;
    const out: StreamEvent[] = [];
    for (;;) {
      const end = /\r?\n\r?\n/.exec(this.rest);
      if (!end) return out;
      const event = one(this.rest.slice(0, end.index));
      this.rest = this.rest.slice(end.index + end[0].length);
      if (event) out.push(event);
    }
  }
}

function one(block: string): StreamEvent | undefined {
  let name = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') name = value;
    if (field === 'data') data.push(value);
  }
  return data.length > 0 ? { name, data: data.join('\n') } : undefined;
}

/** Reads the daemon's events until the stream breaks or the signal says stop. */
export async function follow(flows: boolean, hear: (e: StreamEvent) => void, signal: AbortSignal): Promise<void> {
  const answer = await post({ path: 'events', body: JSON.stringify({ flows }), headers: { 'Content-Type': 'application/json' }, signal });
  if (!answer.ok || !answer.body) throw refused(await answer.text(), answer.status);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const feed = new Feed();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (const e of feed.push(value)) hear(e);
  }
}
