import type { ReactNode } from 'react';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Toggle from '@cloudscape-design/components/toggle';
import type { Scene } from './scene';

interface Props {
  scene: Scene;
  search: string;
  onSearch: (text: string) => void;
  onFound: (id: string) => void;
  flows: boolean;
  onFlows: (on: boolean) => void;
  onZoom: (factor: number) => void;
  onFit: () => void;
  onAll: (collapsed: boolean) => void;
  onArrange: () => void;
}

/** Search, zoom and arrangement of the map. */
export default function Toolbar(p: Props): ReactNode {
  const options = [
    { label: 'VPCs', options: p.scene.vpcs.map((v) => ({ value: v.name, labelTag: v.cidr, description: v.id })) },
    { label: 'Interfaces', options: [...p.scene.chips.values()].map((c) => ({ value: c.name, labelTag: c.address, description: c.id, tags: c.addresses })) },
  ];
  return (
    <div className="toolbar over">
      <div className="search">
        <Autosuggest
          value={p.search}
          options={p.search === '' ? [] : options}
          onChange={(e) => p.onSearch(e.detail.value)}
          onSelect={(e) => {
            const id = e.detail.selectedOption?.description;
            if (id) p.onFound(id);
          }}
          placeholder="Find by name, ID, address"
          ariaLabel="Find on the map"
          enteredTextLabel={(text) => `Show what matches "${text}"`}
          empty={p.search === '' ? 'Type a name, an ID or an address' : 'Nothing matches'}
          data-testid="map-search"
        />
      </div>
      <Button iconName="zoom-in" ariaLabel="Zoom in" onClick={() => p.onZoom(1.25)} />
      <Button iconName="zoom-out" ariaLabel="Zoom out" onClick={() => p.onZoom(0.8)} />
      <Button iconName="zoom-to-fit" ariaLabel="Show everything" onClick={p.onFit} data-testid="map-fit" />
      <ButtonDropdown
        ariaLabel="Arrange"
        items={[
          { id: 'expand', text: 'Expand all VPCs' },
          { id: 'collapse', text: 'Collapse all VPCs' },
          { id: 'arrange', text: 'Arrange by peerings' },
        ]}
        onItemClick={(e) => (e.detail.id === 'arrange' ? p.onArrange() : p.onAll(e.detail.id === 'collapse'))}
      >
        Arrange
      </ButtonDropdown>
      <div className="live">
        <Toggle checked={p.flows} onChange={(e) => p.onFlows(e.detail.checked)} data-testid="map-live">
          Live traffic
        </Toggle>
      </div>
    </div>
  );
}
