import { lazy, Suspense, useSyncExternalStore, type ReactNode } from 'react';
import { login } from './login';

const AskToken = lazy(() => import('./AskToken'));

/** Asks for a token when one is needed. Of two dialogs the younger one is on top, so it is made then. */
export function LoginDialog(): ReactNode {
  const needed = useSyncExternalStore(login.subscribe, login.needed);
  return (
    needed && (
      <Suspense fallback={null}>
        <AskToken />
      </Suspense>
    )
  );
}
