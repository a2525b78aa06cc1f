import { Refusal } from './refusal';
import { login } from '../session/login';

/** One POST to the daemon's bridge. `path` is relative to /console/. */
export interface Post {
  path: string;
  body: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/**
 * Sends a POST. When the session has ended it waits until somebody logged in again
 * and sends it once more: whatever was typed is still there, and nothing was done twice,
 * because a call without a session is never carried out.
 */
export async function post(p: Post): Promise<Response> {
  for (;;) {
    const sent = login.generation;
    const answer = await fetch(`/console/${p.path}`, {
      method: 'POST',
      credentials: 'same-origin',
      cache: 'no-store',
      headers: { 'X-Tombolo-Console': '1', ...p.headers },
      body: p.body,
      signal: p.signal ?? null,
    });
    if (answer.status !== 401) return answer;
    await login.renewed(sent, p.signal);
  }
}

/** Sends JSON, takes JSON. */
export async function call<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const answer = await post({ path, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' }, signal });
  const text = await answer.text();
  if (!answer.ok) throw refused(text, answer.status);
  return (text === '' ? {} : JSON.parse(text)) as T;
}

/** The bridge's own errors and those of JSON services ({"__type","message"}). */
export function refused(text: string, status: number): Refusal {
  try {
    const e = JSON.parse(text) as { code?: string; __type?: string; message?: string; Message?: string };
    const code = e.code ?? e.__type?.replace(/^.*#/, '') ?? 'Error';
    return new Refusal(code, e.message ?? e.Message ?? code, status);
  } catch {
    return new Refusal('Error', text.trim().slice(0, 300) || `HTTP ${status}`, status);
  }
}
