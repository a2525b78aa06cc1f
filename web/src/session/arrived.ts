import { tokenIn } from './login';

/**
 * Takes the one-time token out of the address. It arrives in the fragment, which no
 * server and no log sees, and is gone from there before anything else reads it: the
 * router takes the fragment for the page that is wanted.
 */
export function take(at: Location, past: History): string {
  if (!/[#&]token=/.test(at.hash)) return '';
  const token = tokenIn(at.hash);
  past.replaceState(null, '', `${at.pathname}${at.search}#/`);
  return token;
}

/** The token that the page was opened with; '' without one. */
export const arrived = take(location, history);
