import { expect, test } from 'vitest';
import { decode, encode, idText, payloads, types, type Message } from './frame';
import { Line } from './line';

// A frame worked out by hand from the layout.
const vector =
  '00000074' + '696e7075745f73747265616d5f64617461' + '202020202020202020202020202020' + '00000001' + '0000019abcdef012' + '0000000000000007' + '0000000000000000' +
  '8899aabbccddeeff' + '0011223344556677' + 'd53ca1ea7dce87c11432052a8550ed2615cf715ca843c89710ed83325b691cba' + '00000003' + '00000015' + '7b22636f6c73223a38302c22726f7773223a32347d';
const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (b) => parseInt(b, 16));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const said = (content: Uint8Array): string => new TextDecoder().decode(content);
const id = bytes('00112233445566778899aabbccddeeff');

test('a frame is laid out as the agent reads it', () => {
  const m: Message = { type: types.input, sequence: 7, flags: 0, id, created: 0x19abcdef012, payload: payloads.size, content: utf8('{"cols":80,"rows":24}') };
  expect(encode(m)).toEqual(bytes(vector));
  expect(decode(bytes(vector))).toEqual(m);
  expect(idText(id)).toBe('00112233-4455-6677-8899-aabbccddeeff');
});

test('what is no frame is dropped', () => {
  const good = bytes(vector);
  for (const change of [(f: Uint8Array) => f.fill(1, 130, 131), (f: Uint8Array) => f.fill(0, 40, 48), (f: Uint8Array) => f.fill(0x20, 4, 36), (f: Uint8Array) => f.fill(0x80, 48, 49), (f: Uint8Array) => f.fill(2, 39, 40)]) {
    expect(decode(change(good.slice()))).toBeUndefined();
  }
  expect(decode(good.subarray(0, 119))).toBeUndefined();
  expect(decode(good.subarray(0, good.length - 1))).toBeUndefined();
});

/** The other end, as far as a test needs it. */
class Agent {
  heard: Message[] = [];
  acked: number[] = [];
  frame(sequence: number, text: string, payload = payloads.bytes): Uint8Array {
    return encode({ type: types.output, sequence, flags: 0, id, created: 1, payload, content: utf8(text) });
  }
  ack(sequence: number): Uint8Array {
    return encode({ type: types.acknowledge, sequence: 0, flags: 3, id, created: 1, payload: 0, content: utf8(JSON.stringify({ AcknowledgedMessageSequenceNumber: sequence })) });
  }
  hear(line: Line, now: number): number {
    let n = 0;
    for (let f = line.next(now); f; f = line.next(now)) {
      const m = decode(f)!;
      if (m.type === types.acknowledge) this.acked.push((JSON.parse(said(m.content)) as { AcknowledgedMessageSequenceNumber: number }).AcknowledgedMessageSequenceNumber);
      else this.heard.push(m);
      n++;
    }
    return n;
  }
}

function make(): { line: Line; agent: Agent } {
  return { line: new Line(() => id.slice()), agent: new Agent() };
}

const taken = (line: Line): string => {
  let out = '';
  for (let m = line.take(); m; m = line.take()) out += said(m.content);
  return out;
};

test('what comes out of order is heard in order, and everything is acknowledged, twice if it comes twice', () => {
  const { line, agent } = make();
  for (const n of [2, 0, 1, 1, 4]) line.receive(1, agent.frame(n, String(n)));
  expect(taken(line)).toBe('012');
  agent.hear(line, 1);
  expect(agent.acked).toEqual([2, 0, 1, 1, 4]);
  line.receive(1, agent.frame(3, '3'));
  expect(taken(line)).toBe('34');
});

test('a stream is numbered from 0 and cut into messages that the agent takes', () => {
  const { line, agent } = make();
  line.write(utf8('x'.repeat(2500)));
  agent.hear(line, 1);
  expect(agent.heard.map((m) => [m.sequence, m.content.length])).toEqual([[0, 1024], [1, 1024], [2, 452]]);
  for (const n of [0, 1, 2]) line.receive(2, agent.ack(n));
  expect(line.drained).toBe(true);
});

test('the oldest message is repeated until it is acknowledged, later and later', () => {
  const { line, agent } = make();
  line.write(utf8('a'));
  line.send(payloads.bytes, utf8('b'));
  agent.hear(line, 1000);
  expect(line.again()).toBe(1200);
  agent.hear(line, 1199);
  expect(agent.heard.length).toBe(2);
  agent.hear(line, 1200);
  expect(agent.heard.map((m) => said(m.content))).toEqual(['a', 'b', 'a']);
  expect(line.again()).toBe(1600);
  line.receive(1250, agent.ack(1));
  expect(line.drained).toBe(false);
  line.receive(1250, agent.ack(0));
  expect(line.drained).toBe(true);
  expect(line.again()).toBeUndefined();
});

test('no more than a window is under way; the rest waits and loses nothing', () => {
  const { line, agent } = make();
  line.write(utf8('y'.repeat(1024 * 300)));
  expect(agent.hear(line, 1)).toBe(256);
  line.receive(2, agent.ack(0));
  expect(agent.hear(line, 2)).toBe(1);
  for (let n = 1; !line.drained; n++) {
    line.receive(3, agent.ack(n));
    agent.hear(line, 3);
  }
  expect(new Set(agent.heard.map((m) => m.sequence)).size).toBe(300);
});

test('on a new websocket everything that was not acknowledged is sent again, in order', () => {
  const { line, agent } = make();
  for (const c of 'abc') line.write(utf8(c));
  agent.hear(line, 1);
  line.receive(2, agent.ack(1));
  agent.heard = [];
  line.attach();
  agent.hear(line, 5);
  expect(agent.heard.map((m) => said(m.content))).toEqual(['a', 'c']);
});

test('the end is heard once, and nothing is sent after it but acknowledgements', () => {
  const { line, agent } = make();
  const closed = (output: string): Uint8Array => encode({ type: types.closed, sequence: 0, flags: 3, id, created: 1, payload: 0, content: utf8(JSON.stringify({ Output: output })) });
  line.receive(1, agent.frame(0, 'bye'));
  line.receive(1, closed('gone'));
  line.receive(1, closed('again'));
  line.write(utf8('too late'));
  agent.hear(line, 1);
  expect(line.closure).toBe('gone');
  expect(agent.acked).toEqual([0]);
  expect(agent.heard).toEqual([]);
  expect(taken(line)).toBe('bye');
});

test('a network that loses, repeats and reorders loses nothing in the end', () => {
  let seed = 7;
  const dice = (n: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  const { line } = make();
  const agent = new Agent();
  const got = new Map<number, string>();
  const sent = Array.from({ length: 200 }, (_, i) => `<${i}>`);
  sent.forEach((s) => line.send(payloads.bytes, utf8(s)));
  let now = 1;
  for (let round = 0; round < 5000 && !line.drained; round++, now += 50) {
    for (let f = line.next(now); f; f = line.next(now)) {
      if (dice(3) === 0) continue;
      const m = decode(f)!;
      got.set(m.sequence, said(m.content));
      if (dice(3) > 0) line.receive(now, agent.ack(m.sequence));
    }
    if (dice(20) === 0) line.attach();
  }
  expect(line.drained).toBe(true);
  expect([...got].sort(([a], [b]) => a - b).map(([, s]) => s)).toEqual(sent);
});
