// @vitest-environment jsdom
import { expect, test } from 'vitest';
import { take } from './arrived';
import { tokenIn } from './login';

test('the token is taken out of the address, and the map is what is left', () => {
  history.replaceState(null, '', '/console/#token=a_b-C');
  expect(take(location, history)).toBe('a_b-C');
  expect(location.pathname + location.hash).toBe('/console/#/');
  expect(take(location, history)).toBe('');
});

test('any other address stays as it is', () => {
  history.replaceState(null, '', '/console/#/vpcs/vpc-1');
  expect(take(location, history)).toBe('');
  expect(location.hash).toBe('#/vpcs/vpc-1');
});

test('a page that is opened with a token shows the map', async () => {
  history.replaceState(null, '', '/console/#token=x');
  expect(take(location, history)).toBe('x');
  const { createHashRouter } = await import('react-router');
  const router = createHashRouter([{ index: true, id: 'map', element: null }]);
  expect(router.state.matches.map((m) => m.route.id)).toEqual(['map']);
});

test('what is pasted may be the whole address or the token alone', () => {
  expect(tokenIn(' http://127.0.0.1:4566/console/#token=abc ')).toBe('abc');
  expect(tokenIn('abc')).toBe('abc');
});
