import type { ReactNode } from 'react';
import { Shell } from '../shell/Shell';
export function MapPage({ guided = false }: { guided?: boolean }): ReactNode {
  return <Shell title="Map" full>{String(guided)}</Shell>;
}
