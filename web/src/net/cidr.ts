/** A block of addresses; `bits` is the address as a number. */
export interface Cidr {
  family: 4 | 6;
  bits: bigint;
  length: number;
}

/** An IPv4 or IPv6 address as a number, or undefined. */
export function address(text: string): { family: 4 | 6; bits: bigint } | undefined {
  return text.includes(':') ? ipv6(text) : ipv4(text);
}

function ipv4(text: string): { family: 4; bits: bigint } | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let bits = 0n;
  for (const part of parts) {
    // No leading zeros: some programs read them as octal.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bits = (bits << 8n) | BigInt(part);
  }
  return { family: 4, bits };
}

function ipv6(text: string): { family: 6; bits: bigint } | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string): string[] => (half === '' ? [] : half.split(':'));
  const head = groups(halves[0] ?? '');
  const tail = groups(halves[1] ?? '');
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [...head, ...Array<string>(missing).fill('0'), ...tail];
  let bits = 0n;
  for (const group of all) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
    bits = (bits << 16n) | BigInt(`0x${group}`);
  }
  return { family: 6, bits };
}

/** A block, or undefined when it is not one. */
export function cidr(text: string): Cidr | undefined {
  const [left, right, more] = text.trim().split('/');
  if (left === undefined || right === undefined || more !== undefined || !/^\d{1,3}$/.test(right)) return undefined;
  const a = address(left);
  const length = Number(right);
  return a && length <= width(a.family) ? { ...a, length } : undefined;
}

function width(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

/** The block that a text means, with the bits behind its length gone. */
export function network(c: Cidr): string {
  const host = BigInt(width(c.family) - c.length);
  return `${written(c.family, (c.bits >> host) << host)}/${c.length}`;
}

/** An address as text (IPv6 without the shortest form's finesse for ::). */
export function written(family: 4 | 6, bits: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((s) => Number((bits >> s) & 255n)).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  return groups.join(':').replace(/(^|:)0(:0)+(:|$)/, '::');
}

/** What is wrong with a text as a block of addresses, in a sentence; '' when nothing is. */
export function cidrProblem(text: string, families: (4 | 6)[] = [4, 6]): string {
  if (text.trim() === '') return 'Enter a CIDR block.';
  const c = cidr(text);
  if (!c) {
    return families.includes(4) ? 'This is no CIDR block. It looks like 10.0.0.0/16.' : 'This is no IPv6 CIDR block. It looks like 2600:1f00::/56.';
  }
  if (!families.includes(c.family)) return c.family === 6 ? 'Enter an IPv4 block here.' : 'Enter an IPv6 block here.';
  return '';
}

/** Whether a block covers an address or another block. */
export function covers(block: Cidr, inner: Cidr): boolean {
  if (block.family !== inner.family || inner.length < block.length) return false;
  const host = BigInt(width(block.family) - block.length);
  return block.bits >> host === inner.bits >> host;
}
