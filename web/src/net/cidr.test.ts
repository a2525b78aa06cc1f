import { expect, test } from 'vitest';
import { address, cidr, cidrProblem, covers, network } from './cidr';

test('blocks are read and written', () => {
  expect(network(cidr('10.1.2.3/16')!)).toBe('10.1.0.0/16');
  expect(network(cidr('0.0.0.0/0')!)).toBe('0.0.0.0/0');
  expect(network(cidr('::/0')!)).toBe('::/0');
  expect(network(cidr('2600:1f00:1:2::5/56')!)).toBe('2600:1f00:1::/56');
  for (const bad of ['10.0.0.0', '10.0.0.0/33', '10.0.0/8', '10.0.0.256/8', '010.0.0.0/8', '::1::/64', '::/129', '1:2:3/64', 'x/8', '10.0.0.0/8/8', '1.2.3.4/-1']) {
    expect(cidr(bad), bad).toBeUndefined();
  }
  expect(address('::ffff')!.bits).toBe(0xffffn);
});

test('problems are said in a sentence', () => {
  expect(cidrProblem('')).toContain('Enter');
  expect(cidrProblem('10.0.0.0')).toContain('10.0.0.0/16');
  expect(cidrProblem('::/0', [4])).toContain('IPv4');
  expect(cidrProblem('10.0.0.0/8')).toBe('');
});

test('covering', () => {
  expect(covers(cidr('10.0.0.0/8')!, cidr('10.9.0.0/16')!)).toBe(true);
  expect(covers(cidr('10.9.0.0/16')!, cidr('10.0.0.0/8')!)).toBe(false);
  expect(covers(cidr('0.0.0.0/0')!, cidr('::/0')!)).toBe(false);
});
