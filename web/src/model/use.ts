import { useMemo } from 'react';
import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useHere } from '../session/session';
import { ec2, type Ec2Call } from '../wire/ec2';
import type { Xml } from '../wire/xml';
import { list, type Kind } from './network';

/** All things of a kind in this account and Region, kept up to date. */
export function useAll<T>(kind: Kind<T>): UseQueryResult<T[]> {
  const { scope } = useHere();
  return useQuery({ queryKey: ['ec2', scope.account, scope.region, kind.word, kind.rows], queryFn: ({ signal }) => list(scope, kind, signal) });
}

/** The same by ID. */
export function useById<T extends { id: string }>(kind: Kind<T>): Map<string, T> {
  const { data } = useAll(kind);
  return useMemo(() => new Map((data ?? []).map((t) => [t.id, t])), [data]);
}

/** Makes calls; what is listed is asked for again at once. */
export function useCalls(): (c: Ec2Call) => Promise<Xml> {
  const { scope } = useHere();
  const client = useQueryClient();
  return async (c) => {
    try {
      return await ec2(scope, c);
    } finally {
      await client.invalidateQueries({ queryKey: ['ec2', scope.account, scope.region] });
    }
  };
}
