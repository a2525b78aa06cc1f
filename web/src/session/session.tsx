import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import type { Scope } from '../wire/ec2';
import { call } from '../wire/bridge';

/** What the daemon says about itself and about who is logged in. */
export interface Session {
  account: string;
  accounts: { id: string; name: string }[];
  region: string;
  regions: string[];
  version: string;
  fabric: Fabric;
}

/** Whether packets obey the API, and by what. */
export interface Fabric {
  enforced: boolean;
  plane: string;
  degraded: string;
}

interface Here {
  session: Session;
  scope: Scope;
  go: (to: Partial<Scope>) => void;
}

const Context = createContext<Here | undefined>(undefined);
const remembered = 'tombolo.scope';

/** Gives the account and the Region that one looks at to everything inside. */
export function SessionProvider({ children, loading }: { children: ReactNode; loading: ReactNode }): ReactNode {
  const { data: session } = useQuery({ queryKey: ['session'], queryFn: ({ signal }) => call<Session>('session', {}, signal), staleTime: Infinity, retry: 3 });
  const [chosen, setChosen] = useState<Partial<Scope>>(() => JSON.parse(sessionStorage.getItem(remembered) ?? '{}') as Partial<Scope>);
  const go = useCallback((to: Partial<Scope>) => {
    setChosen((before) => {
      const after = { ...before, ...to };
      sessionStorage.setItem(remembered, JSON.stringify(after));
      return after;
    });
  }, []);
  const here = useMemo(() => {
    if (!session) return undefined;
    const known = session.accounts.some((a) => a.id === chosen.account) ? chosen.account : undefined;
    return { session, go, scope: { account: known ?? session.account, region: chosen.region ?? session.region } };
  }, [session, chosen, go]);
  return here ? <Context value={here}>{children}</Context> : loading;
}

export function useHere(): Here {
  const here = useContext(Context);
  if (!here) throw new Error('useHere is for what stands inside a SessionProvider');
  return here;
}
