import { lazy, Suspense, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import type { UseQueryResult } from '@tanstack/react-query';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Spinner from '@cloudscape-design/components/spinner';
import { refusalOf } from '../wire/refusal';
import type { Question, Reach } from './answer';
import type { Asked } from './asked';
import { PickedCard } from './PickedCard';
import { ReachAnswer } from './ReachAnswer';
import { ReachForm } from './ReachForm';
import type { Network } from './useNetwork';

const Guide = lazy(() => import('../lab/Guide'));

interface Props {
  guided: boolean;
  network: Network;
  picked: string;
  asked: Asked;
  setAsked: (a: Asked) => void;
  question: Question | undefined;
  reach: UseQueryResult<Reach>;
  onSource: (id: string) => void;
  onDestination: (id: string) => void;
  onZoom: (id: string) => void;
}

/** What stands beside the map: the lab, what is selected, and who reaches whom. */
export default function Panel(p: Props): ReactNode {
  const { guided, network, picked, asked, setAsked, question, reach } = p;
  const { scene } = network;
  return (
    <SpaceBetween size="m">
      {network.error ? <Failure error={network.error} /> : null}
      {guided ? (
        <Suspense fallback={<Spinner />}>
          <Guide network={network} asked={asked} setAsked={setAsked} />
        </Suspense>
      ) : (
        network.ready && scene.vpcs.every((v) => v.counts.chips === 0) && <Beginning />
      )}
      {picked !== '' && <PickedCard id={picked} network={network} onSource={p.onSource} onDestination={p.onDestination} onZoom={p.onZoom} />}
      <Box variant="h2" padding="n">
        Who reaches whom, and why not
      </Box>
      <ReachForm scene={scene} asked={asked} set={setAsked} />
      {question && reach.error && <Failure error={reach.error} />}
      {question && reach.data && !reach.error && <ReachAnswer reach={reach.data} question={question} />}
    </SpaceBetween>
  );
}

function Failure({ error }: { error: unknown }): ReactNode {
  const r = refusalOf(error);
  return (
    <Alert type="error" header={r.code}>
      {r.message}
    </Alert>
  );
}

/** What there is to do when there is nothing to see. */
function Beginning(): ReactNode {
  const navigate = useNavigate();
  return (
    <Alert
      type="info"
      header="No instances here yet"
      action={
        <SpaceBetween size="xs">
          <Button variant="primary" onClick={() => void navigate('/lab')}>
            Start the guided lab
          </Button>
          <Button onClick={() => void navigate('/vpcs')}>Create a VPC</Button>
        </SpaceBetween>
      }
    >
      The guided lab builds three departments for you and goes through peering, routes and security groups with real packets.
    </Alert>
  );
}
