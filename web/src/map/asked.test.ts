import { expect, test } from 'vitest';
import { question, type Asked } from './asked';
import { walk } from './walk';

const asked: Asked = { source: 'eni-1', destination: 'eni-2', protocol: 'tcp', port: '80', ipv6: false };
const addresses = (id: string): string[] => (id === 'eni-1' ? ['10.0.0.1', '2600::1'] : []);

test('a form that is not complete asks nothing', () => {
  expect(question(asked, addresses)).toEqual({ source: 'eni-1', destination: 'eni-2', protocol: 'tcp', port: 80, live: false });
  for (const part of [{ source: '' }, { destination: '' }, { destination: 'eni-1' }, { port: '' }, { port: '0' }, { port: '70000' }, { port: 'x' }]) {
    expect(question({ ...asked, ...part }, addresses), JSON.stringify(part)).toBeUndefined();
  }
  expect(question({ ...asked, protocol: 'icmp', port: '' }, addresses)?.port).toBe(0);
});

test('for IPv6 the source is its address', () => {
  expect(question({ ...asked, ipv6: true }, addresses)?.source).toBe('2600::1');
  expect(question({ ...asked, source: 'eni-3', ipv6: true }, addresses)).toBeUndefined();
});

test('arrow keys go to what is near and ahead', () => {
  const spots = [
    { id: 'right', at: { x: 100, y: 10 } },
    { id: 'far right', at: { x: 300, y: 0 } },
    { id: 'below', at: { x: 5, y: 90 } },
  ];
  expect(walk(spots, { x: 0, y: 0 }, 'ArrowRight')?.id).toBe('right');
  expect(walk(spots, { x: 0, y: 0 }, 'ArrowDown')?.id).toBe('below');
  expect(walk(spots, { x: 0, y: 0 }, 'ArrowLeft')).toBeUndefined();
  expect(walk(spots, { x: 0, y: 0 }, 'x')).toBeUndefined();
});
