import { lazy, Suspense, type ReactNode } from 'react';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createHashRouter, Outlet, RouterProvider } from 'react-router';
import Spinner from '@cloudscape-design/components/spinner';
import { I18nProvider } from '@cloudscape-design/components/i18n';
import messages from '@cloudscape-design/components/i18n/messages/all.en';
import { MapPage } from './map/MapPage';
import { useLive } from './session/live';
import { LoginDialog } from './session/LoginDialog';
import { SessionProvider } from './session/session';
import { Lost } from './shell/Lost';
import { TopBar } from './shell/TopBar';

const client = new QueryClient({
  defaultOptions: { queries: { retry: 1, staleTime: 30_000, refetchOnWindowFocus: false } },
});

function page(load: () => Promise<{ default: () => ReactNode }>): ReactNode {
  const Page = lazy(load);
  return <Page />;
}

const router = createHashRouter([
  {
    element: <Frame />,
    errorElement: <Lost />,
    children: [
      { index: true, element: <MapPage /> },
      { path: 'lab', element: <MapPage guided /> },
      { path: 'vpcs/:id?', element: page(() => import('./pages/Vpcs')) },
      { path: 'subnets/:id?', element: page(() => import('./pages/Subnets')) },
      { path: 'route-tables/:id?', element: page(() => import('./pages/RouteTables')) },
      { path: 'peering-connections/:id?', element: page(() => import('./pages/Peerings')) },
      { path: 'internet-gateways/:id?', element: page(() => import('./pages/InternetGateways')) },
      { path: 'security-groups/:id?', element: page(() => import('./pages/SecurityGroups')) },
      { path: 'network-acls/:id?', element: page(() => import('./pages/NetworkAcls')) },
      { path: 'instances/:id?', element: page(() => import('./pages/Instances')) },
      { path: 'launch', element: page(() => import('./pages/Launch')) },
      { path: 'network-interfaces/:id?', element: page(() => import('./pages/NetworkInterfaces')) },
      { path: 'key-pairs/:id?', element: page(() => import('./pages/KeyPairs')) },
      { path: 'flow-logs/:id?', element: page(() => import('./pages/FlowLogs')) },
      { path: 'terminals/:target?', element: page(() => import('./terminal/Terminals')) },
      { path: '*', element: <Lost /> },
    ],
  },
]);

function Frame(): ReactNode {
  useLive();
  return (
    <>
      <TopBar />
      <Suspense fallback={<Waiting />}>
        <Outlet />
      </Suspense>
    </>
  );
}

function Waiting(): ReactNode {
  return (
    <div className="waiting" role="status">
      <Spinner size="large" />
      <span className="unseen">Loading</span>
    </div>
  );
}

export function App(): ReactNode {
  return (
    <I18nProvider locale="en" messages={[messages]}>
      <QueryClientProvider client={client}>
        <SessionProvider loading={<Waiting />}>
          <RouterProvider router={router} />
        </SessionProvider>
        <LoginDialog />
      </QueryClientProvider>
    </I18nProvider>
  );
}
