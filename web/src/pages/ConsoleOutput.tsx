import type { ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useHere } from '../session/session';
import { ec2 } from '../wire/ec2';
import { refusalOf } from '../wire/refusal';

/** What an instance printed while it booted: GetConsoleOutput. */
export function ConsoleOutput({ instance }: { instance: string }): ReactNode {
  const { scope } = useHere();
  const { data, error, refetch } = useQuery({
    queryKey: ['output', scope.account, scope.region, instance],
    queryFn: async () => decode((await ec2(scope, { action: 'GetConsoleOutput', params: { InstanceId: instance } })).text('output')),
    staleTime: 0,
  });
  return (
    <SpaceBetween size="xs">
      <Button iconName="refresh" onClick={() => void refetch()}>
        Refresh
      </Button>
      {error ? (
        <Box color="text-status-error">{refusalOf(error).message}</Box>
      ) : (
        <pre className="mono output" tabIndex={0} aria-label="System log">
          {data === '' ? 'Nothing was printed yet.' : data}
        </pre>
      )}
    </SpaceBetween>
  );
}

/** Base64 to text. */
function decode(output: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(output), (c) => c.charCodeAt(0)));
}
