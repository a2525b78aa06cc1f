import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useHere } from '../session/session';
import { call } from '../wire/bridge';
import { query } from '../wire/ec2';
import type { Question, Reach } from './answer';

/** Asks the analyzer; again whenever the network changes. */
export function useReach(q: Question | undefined): UseQueryResult<Reach> {
  const { scope } = useHere();
  return useQuery({
    queryKey: ['reach', scope.account, scope.region, q],
    queryFn: ({ signal }) => call<Reach>(`reach?${query(scope)}`, { ...q, live: false }, signal),
    enabled: q !== undefined,
    staleTime: 0,
    retry: false,
    placeholderData: (before) => before,
  });
}
