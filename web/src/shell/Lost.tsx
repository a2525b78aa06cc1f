import type { ReactNode } from 'react';
import { useRouteError } from 'react-router';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Link from '@cloudscape-design/components/link';
import { Shell } from './Shell';

/** What is shown where there is no page, or where one failed. */
export function Lost(): ReactNode {
  const error = useRouteError();
  return (
    <Shell title="Not found">
      <Box padding="l">
        <Alert type={error ? 'error' : 'info'} header={error ? 'This page failed' : 'There is no such page'}>
          {error instanceof Error ? `${error.message}. ` : ''}
          <Link href="#/">Back to the map</Link>
        </Alert>
      </Box>
    </Shell>
  );
}
