import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useHere } from '../session/session';
import { call } from '../wire/bridge';
import { query } from '../wire/ec2';

/** One department of the lab. */
export interface Department {
  name: string;
  vpc: string;
  subnet: string;
  instance: string;
  address: string;
  table: string;
  group: string;
  acl: string;
}

/** How far somebody is. */
export interface Course {
  built: boolean;
  steps: { step: number; title: string; task: string; agree: boolean | null }[];
  vpcs: Department[];
}

/** What packets said about a step. */
export interface Verdict {
  step: number;
  agree: boolean;
  checks: { want: string; seen: string; agree: boolean }[];
  why?: string;
}

export function useCourse(): UseQueryResult<Course> {
  const { scope } = useHere();
  return useQuery({ queryKey: ['lab', scope.account, scope.region], queryFn: ({ signal }) => call<Course>(`lab?${query(scope)}`, { action: 'state', step: 0 }, signal), staleTime: 5000 });
}

/** Builds the departments, or takes everything of the lab away. */
export function useTurn(): (action: 'setup' | 'reset') => Promise<void> {
  const { scope } = useHere();
  const client = useQueryClient();
  return async (action) => {
    await call<Course>(`lab?${query(scope)}`, { action, step: 0 });
    await client.invalidateQueries();
  };
}

/** Checks a step by what really happens. */
export function useCheck(): (step: number) => Promise<Verdict> {
  const { scope } = useHere();
  const client = useQueryClient();
  return async (step) => {
    const verdict = await call<Verdict>(`lab?${query(scope)}`, { action: 'check', step });
    await client.invalidateQueries({ queryKey: ['lab'] });
    return verdict;
  };
}
