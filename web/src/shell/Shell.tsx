import { lazy, Suspense, useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import { useLocation, useNavigate } from 'react-router';
import AppLayout from '@cloudscape-design/components/app-layout';
import SideNavigation, { type SideNavigationProps } from '@cloudscape-design/components/side-navigation';
import { layoutLabels } from './labels';
import { useNotices } from './notices';
import { shells } from '../terminal/shells';

const NoticeBar = lazy(() => import('./NoticeBar'));
const Details = lazy(() => import('./Details'));

const sections: SideNavigationProps.Item[] = [
  { type: 'link', text: 'Map', href: '#/' },
  { type: 'link', text: 'Guided lab', href: '#/lab' },
  {
    type: 'section',
    text: 'Virtual private cloud',
    items: [
      { type: 'link', text: 'Your VPCs', href: '#/vpcs' },
      { type: 'link', text: 'Subnets', href: '#/subnets' },
      { type: 'link', text: 'Route tables', href: '#/route-tables' },
      { type: 'link', text: 'Peering connections', href: '#/peering-connections' },
      { type: 'link', text: 'Internet gateways', href: '#/internet-gateways' },
    ],
  },
  {
    type: 'section',
    text: 'Security',
    items: [
      { type: 'link', text: 'Security groups', href: '#/security-groups' },
      { type: 'link', text: 'Network ACLs', href: '#/network-acls' },
    ],
  },
  {
    type: 'section',
    text: 'Instances',
    items: [
      { type: 'link', text: 'Instances', href: '#/instances' },
      { type: 'link', text: 'Network interfaces', href: '#/network-interfaces' },
      { type: 'link', text: 'Key pairs', href: '#/key-pairs' },
    ],
  },
  { type: 'section', text: 'Observe', items: [{ type: 'link', text: 'Flow logs', href: '#/flow-logs' }] },
  { type: 'divider' },
  { type: 'link', text: 'Licences', href: '/console/assets/licenses.txt', external: true, externalIconAriaLabel: 'Opens in a new tab' },
];

export interface ShellProps {
  title: string;
  children: ReactNode;
  /** The page fills the window and has no margins: the map, the terminals. */
  full?: boolean;
  details?: { header: string; body: ReactNode; close: () => void } | undefined;
}

/** The frame of every page: navigation, notices, and the panel with details. */
export function Shell({ title, children, full = false, details }: ShellProps): ReactNode {
  const navigate = useNavigate();
  const place = useLocation();
  const open = useSyncExternalStore(shells.subscribe, shells.all);
  const wide = typeof window !== 'undefined' && window.innerWidth > 900;
  const [navigation, setNavigation] = useState(() => wide && !full);
  const [size, setSize] = useState(360);
  useEffect(() => {
    document.title = `${title} | Tombolo`;
  }, [title]);
  const notices = useNotices().length > 0 && (
    <Suspense fallback={null}>
      <NoticeBar />
    </Suspense>
  );
  const items: SideNavigationProps.Item[] = [
    ...sections.slice(0, 2),
    { type: 'link', text: open.length > 0 ? `Terminals (${open.length})` : 'Terminals', href: '#/terminals' },
    ...sections.slice(2),
  ];
  return (
    <AppLayout
      headerSelector="#top"
      ariaLabels={layoutLabels}
      toolsHide
      navigationOpen={navigation}
      onNavigationChange={(e) => setNavigation(e.detail.open)}
      navigationWidth={240}
      navigation={
        <SideNavigation
          activeHref={`#/${place.pathname.split('/')[1] ?? ''}`}
          header={{ text: 'Tombolo', href: '#/' }}
          items={items}
          onFollow={(e) => {
            if (e.detail.external) return;
            e.preventDefault();
            void navigate(e.detail.href.slice(1));
            if (!wide || full) setNavigation(false);
          }}
        />
      }
      notifications={full ? undefined : notices}
      stickyNotifications
      maxContentWidth={full ? Number.MAX_VALUE : 2400}
      disableContentPaddings={full}
      contentType={full ? 'default' : 'table'}
      content={
        <>
          {full && (
            <div className="floating">{notices}</div>
          )}
          {children}
          <BackToLab here={place.pathname} />
        </>
      }
      splitPanelOpen={details !== undefined}
      splitPanelSize={size}
      onSplitPanelResize={(e) => setSize(e.detail.size)}
      splitPanelPreferences={{ position: 'bottom' }}
      onSplitPanelToggle={(e) => {
        if (!e.detail.open) details?.close();
      }}
      splitPanel={
        details && (
          <Suspense fallback={null}>
            <Details header={details.header}>{details.body}</Details>
          </Suspense>
        )
      }
    />
  );
}

/** While somebody is in the guided lab, every other page leads back to it. */
function BackToLab({ here }: { here: string }): ReactNode {
  const step = sessionStorage.getItem('tombolo.lab.step');
  if (step === null || here === '/' || here === '/lab') return null;
  return (
    <a className="lab-bar" href="#/lab" data-testid="back-to-lab">
      Guided lab, step {step}: back
    </a>
  );
}
