import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import Spinner from '@cloudscape-design/components/spinner';
import { Shell } from '../shell/Shell';
import { placeOf } from '../shell/Ref';
import { question, type Asked } from './asked';
import { search } from './search';
import { Legend } from './Legend';
import './map.css';
import { MapView } from './MapView';
import { useCamera } from './useCamera';
import { useNetwork } from './useNetwork';
import { useReach } from './useReach';

// The map is drawn first; what surrounds it comes after.
const Panel = lazy(() => import('./Panel'));
const Toolbar = lazy(() => import('./Toolbar'));
const nothing: Asked = { source: '', destination: '', protocol: 'tcp', port: '80', ipv6: false };
// The question stays while one looks at other pages.
let lastAsked = nothing;

/** The map: the network as it is, and why packets pass or not. */
export function MapPage({ guided = false }: { guided?: boolean }): ReactNode {
  const navigate = useNavigate();
  const frame = useRef<HTMLDivElement>(null);
  const control = useCamera(frame);
  const network = useNetwork();
  const [picked, setPicked] = useState('');
  const [asked, setAskedState] = useState(lastAsked);
  const [text, setText] = useState('');
  const [flows, setFlows] = useState(true);
  const setAsked = useCallback((a: Asked) => {
    lastAsked = a;
    setAskedState(a);
  }, []);
  const { scene } = network;
  const q = question(asked, (id) => scene.chips.get(id)?.addresses ?? []);
  const reach = useReach(q);
  const found = useMemo(() => search(scene, text), [scene, text]);

  // The first look, and whatever the window does before anybody moved the map.
  const fitted = useRef('');
  const { fitTo, size } = control;
  useEffect(() => {
    const what = `${size.w} ${size.h} ${scene.bounds.w} ${scene.bounds.h}`;
    if (!network.ready || control.touched() || fitted.current === what) return;
    fitted.current = what;
    fitTo(scene.bounds);
  }, [network.ready, scene.bounds, size, fitTo, control]);

  const source = (id: string): void => setAsked({ ...asked, source: endOf(id) });
  const destination = (id: string): void => setAsked({ ...asked, destination: endOf(id) });
  const endOf = (id: string): string => (scene.chips.has(id) ? id : '');
  const zoomTo = useCallback(
    (id: string) => {
      const r = scene.byId.get(id) ?? scene.chips.get(id);
      if (r) control.fitTo(scene.chips.has(id) ? { x: r.x - 200, y: r.y - 150, w: r.w + 400, h: r.h + 300 } : r);
    },
    [scene, control],
  );
  const open = useCallback(
    (id: string) => {
      const place = placeOf(id);
      if (scene.byId.has(id)) network.toggle(id);
      else if (place) void navigate(place.slice(1));
    },
    [scene, network, navigate],
  );
  return (
    <Shell title={guided ? 'Guided lab' : 'Map'} full>
      <div className="map-page">
        <h1 className="unseen">{guided ? 'Guided lab' : 'Map of the network'}</h1>
        <section className="map" ref={frame} aria-label="Map" data-testid="map">
          {!network.ready && !network.error && (
            <div className="waiting">
              <Spinner size="large" />
            </div>
          )}
          {network.ready && (
            <MapView
              scene={scene}
              control={control}
              picked={picked}
              found={found}
              answer={q ? reach.data?.answer : undefined}
              flows={flows}
              onPick={setPicked}
              onOpen={open}
              onSource={source}
              onDestination={destination}
            />
          )}
          <Suspense fallback={null}>
            <Toolbar
              scene={scene}
              search={text}
              onSearch={setText}
              onFound={(id) => {
                setPicked(id);
                zoomTo(id);
              }}
              flows={flows}
              onFlows={setFlows}
              onZoom={control.zoom}
              onFit={() => control.fitTo(scene.bounds)}
              onAll={network.setAll}
              onArrange={network.arrange}
            />
          </Suspense>
          <Legend flows={flows} />
        </section>
        <section className="panel" aria-label={guided ? 'Guided lab' : 'Path'}>
          <Suspense fallback={<Spinner />}>
            <Panel guided={guided} network={network} picked={picked} asked={asked} setAsked={setAsked} question={q} reach={reach} onSource={source} onDestination={destination} onZoom={zoomTo} />
          </Suspense>
        </section>
      </div>
    </Shell>
  );
}
