import { sha256 } from '@noble/hashes/sha2.js';

/**
 * A frame of Session Manager's data channel: one binary websocket message of a
 * header of 120 bytes, all integers big endian, and the content.
 *
 *     0   4  where the payload's length stands, 116
 *     4  32  message type, padded with spaces
 *    36   4  schema version, 1
 *    40   8  created, Unix milliseconds
 *    48   8  sequence number
 *    56   8  flags
 *    64  16  message id, its two halves swapped
 *    80  32  SHA-256 of the content
 *   112   4  payload type
 *   116   4  payload length
 */
export interface Message {
  type: string;
  sequence: number;
  flags: number;
  /** 16 bytes, in the usual order of a UUID. */
  id: Uint8Array;
  created: number;
  payload: number;
  content: Uint8Array;
}

export const headerSize = 120;
const lengthAt = 116;
const maxContent = 64 << 10;

/** The message types that a client and the service exchange. */
export const types = { input: 'input_stream_data', output: 'output_stream_data', acknowledge: 'acknowledge', closed: 'channel_closed' };

/** The payload types of a stream. */
export const payloads = { bytes: 1, size: 3, request: 5, response: 6, complete: 7, flag: 10, stderr: 11, exitCode: 12 };

/** Writes a message's frame. */
export function encode(m: Message): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(headerSize + m.content.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, lengthAt);
  out.fill(0x20, 4, 36);
  out.set(new TextEncoder().encode(m.type), 4);
  view.setUint32(36, 1);
  view.setBigUint64(40, BigInt(m.created));
  view.setBigInt64(48, BigInt(m.sequence));
  view.setBigUint64(56, BigInt(m.flags));
  out.set(m.id.subarray(8), 64);
  out.set(m.id.subarray(0, 8), 72);
  out.set(sha256(m.content), 80);
  view.setUint32(112, m.payload);
  view.setUint32(lengthAt, m.content.length);
  out.set(m.content, headerSize);
  return out;
}

/** Takes a frame apart; undefined when it is none: such a frame is dropped, as AWS's plugin does. */
export function decode(frame: Uint8Array): Message | undefined {
  if (frame.length < headerSize || frame.length > headerSize + maxContent) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const content = frame.subarray(headerSize);
  const type = new TextDecoder().decode(frame.subarray(4, 36)).replace(/[ \0]+$/, '');
  const sequence = Number(view.getBigInt64(48));
  const created = Number(view.getBigUint64(40));
  if (view.getUint32(0) !== lengthAt || view.getUint32(36) !== 1 || view.getUint32(lengthAt) !== content.length) return undefined;
  if (type === '' || created <= 0 || sequence < 0 || !Number.isSafeInteger(sequence)) return undefined;
  const digest = frame.subarray(80, 112);
  if (content.length > 0 && !sha256(content).every((b, i) => b === digest[i])) return undefined;
  const id = new Uint8Array(16);
  id.set(frame.subarray(64, 72), 8);
  id.set(frame.subarray(72, 80), 0);
  return { type, sequence, flags: Number(view.getBigUint64(56)), id, created, payload: view.getUint32(112), content };
}

/** A UUID of 16 bytes as text. */
export function idText(id: Uint8Array): string {
  const hex = [...id].map((b) => b.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
