import { useEffect, type ReactNode } from 'react';
import { useLocation, useNavigate, useRouteError } from 'react-router';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Link from '@cloudscape-design/components/link';
import { login, tokenIn } from '../session/login';
import { Shell } from './Shell';

/** What is shown where there is no page, or where one failed. */
export function Lost(): ReactNode {
  const error = useRouteError();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const token = /^\/?token=/.test(pathname) ? tokenIn(`#${pathname.replace(/^\//, '')}`) : '';
  // The address of `tombolo console`, opened in a tab that shows the console already.
  useEffect(() => {
    if (token === '') return;
    void login.enter(token).catch(() => undefined);
    void navigate('/', { replace: true });
  }, [token, navigate]);
  if (token !== '') return null;
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
