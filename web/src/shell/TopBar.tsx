import type { ReactNode } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import TopNavigation, { type TopNavigationProps } from '@cloudscape-design/components/top-navigation';
import { useConnected, useFabric } from '../session/live';
import { useHere } from '../session/session';
import logo from './tombolo.svg';
import { setTheme, useTheme } from './theme';

/** The bar over every page: Region, account, theme, and whether packets obey. */
export function TopBar(): ReactNode {
  const { session, scope, go } = useHere();
  const client = useQueryClient();
  const theme = useTheme();
  const connected = useConnected();
  const fabric = { ...session.fabric, ...useFabric() };
  const choose = (to: { region?: string; account?: string }): void => {
    go(to);
    void client.invalidateQueries({ queryKey: ['ec2'] });
  };
  const utilities: TopNavigationProps.Utility[] = [
    { type: 'button', ...enforcement(connected, fabric.enforced, fabric.degraded, fabric.plane) },
    {
      type: 'menu-dropdown',
      text: scope.region,
      title: 'Region',
      ariaLabel: `Region ${scope.region}`,
      items: session.regions.map((r) => ({ id: r, text: r })),
      onItemClick: (e) => choose({ region: e.detail.id }),
    },
    {
      type: 'menu-dropdown',
      text: scope.account,
      title: 'Account',
      iconName: 'user-profile',
      ariaLabel: `Account ${scope.account}`,
      items: session.accounts.map((a) => ({ id: a.id, text: a.name === '' ? a.id : `${a.name} (${a.id})` })),
      onItemClick: (e) => choose({ account: e.detail.id }),
    },
    {
      type: 'button',
      text: theme === 'dark' ? 'Light' : 'Dark',
      iconName: 'settings',
      ariaLabel: theme === 'dark' ? 'Use the light theme' : 'Use the dark theme',
      onClick: () => setTheme(theme === 'dark' ? 'light' : 'dark'),
    },
  ];
  return (
    <div id="top">
      <TopNavigation
        identity={{ href: '#/', logo: { src: logo, alt: 'Tombolo' } }}
        utilities={utilities}
        i18nStrings={{ overflowMenuTriggerText: 'More', overflowMenuTitleText: 'All', overflowMenuBackIconAriaLabel: 'Back', overflowMenuDismissIconAriaLabel: 'Close' }}
      />
    </div>
  );
}

function enforcement(connected: boolean, enforced: boolean, degraded: string, plane: string): { text: string; iconName: 'status-negative' | 'status-warning' | 'status-positive'; ariaLabel: string } {
  if (!connected) return { text: 'Reconnecting', iconName: 'status-warning', ariaLabel: 'Reconnecting: the daemon does not answer' };
  if (degraded !== '') return { text: 'Degraded', iconName: 'status-negative', ariaLabel: `Degraded: ${degraded}` };
  if (!enforced) return { text: 'API only', iconName: 'status-warning', ariaLabel: 'API only: the daemon runs without a data plane, no packets pass' };
  return { text: 'Enforced', iconName: 'status-positive', ariaLabel: `Enforced: packets obey${plane === '' ? '' : ` (${plane})`}` };
}
