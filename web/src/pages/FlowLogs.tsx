import { useState, type ReactNode } from 'react';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import RadioGroup from '@cloudscape-design/components/radio-group';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { Confirm } from '../form/Confirm';
import { FormModal } from '../form/FormModal';
import { VpcSelect } from '../form/VpcSelect';
import type { FlowLog } from '../model/flowLog';
import { kinds } from '../model/network';
import { named } from '../model/tag';
import { notify } from '../shell/notices';
import { Ref } from '../shell/Ref';
import { State } from '../shell/State';
import { Facts } from './Facts';
import { Listing, type Column } from './Listing';
import { Tags } from './Tags';

const columns: Column<FlowLog>[] = [
  { id: 'status', header: 'Status', text: (f) => f.status, cell: (f) => <State of={f.status} />, width: 120 },
  { id: 'resource', header: 'Resource', text: (f) => f.resource, cell: (f) => <Ref id={f.resource} />, width: 240 },
  { id: 'traffic', header: 'Traffic', text: (f) => f.traffic, width: 110 },
  { id: 'destination', header: 'Destination', text: (f) => f.destination, width: 300 },
  { id: 'interval', header: 'Aggregation interval', text: (f) => `${f.interval} s`, width: 160 },
];

export default function FlowLogs(): ReactNode {
  const [form, setForm] = useState<'create' | 'delete'>();
  const [at, setAt] = useState<FlowLog>();
  const close = (): void => setForm(undefined);
  return (
    <>
      <Listing
        title="Flow logs"
        singular="Flow log"
        path="flow-logs"
        kind={kinds.flowLogs}
        columns={columns}
        description="Records of what was accepted and rejected, as the kernel counted it. The map shows the same live."
        empty="No flow logs. Create one for a VPC to keep records in a bucket on this machine."
        create={{ text: 'Create flow log', onClick: () => setForm('create') }}
        actions={(selected) => (
          <Button
            disabled={!selected}
            onClick={() => {
              setAt(selected);
              setForm('delete');
            }}
          >
            Delete
          </Button>
        )}
        details={(f) => (
          <SpaceBetween size="m">
            <Facts
              of={[
                ['Flow log', f.id],
                ['Status', <State of={f.status} />],
                ['Resource', <Ref id={f.resource} />],
                ['Traffic', f.traffic],
                ['Destination', f.destination],
                ['Created', f.created === '' ? '' : new Date(f.created).toLocaleString('en')],
              ]}
            />
            <Tags of={f} />
          </SpaceBetween>
        )}
      />
      {form === 'create' && <CreateFlowLog close={close} />}
      {form === 'delete' && at && (
        <Confirm
          title={`Delete ${at.name || at.id}?`}
          verb="Delete"
          calls={[{ action: 'DeleteFlowLogs', params: { FlowLogId: [at.id] } }]}
          onDismiss={close}
          onDone={() => {
            notify('success', `${at.id} deleted. Its records stay.`);
            close();
          }}
        >
          No more records are written. Those that were stay in their bucket.
        </Confirm>
      )}
    </>
  );
}

function CreateFlowLog({ close }: { close: () => void }): ReactNode {
  const [name, setName] = useState('');
  const [vpc, setVpc] = useState('');
  const [traffic, setTraffic] = useState('ALL');
  const [bucket, setBucket] = useState('flow-logs');
  return (
    <FormModal
      title="Create flow log"
      submit="Create flow log"
      calls={[
        {
          action: 'CreateFlowLogs',
          params: { ResourceId: [vpc], ResourceType: 'VPC', TrafficType: traffic, LogDestinationType: 's3', LogDestination: `arn:aws:s3:::${bucket.trim()}`, MaxAggregationInterval: 60, TagSpecification: named('vpc-flow-log', name) },
        },
      ]}
      problems={{ vpc: vpc === '' ? 'Choose a VPC.' : '', bucket: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket.trim()) ? '' : 'From 3 to 63 lower-case letters, digits, dots and hyphens.' }}
      onDismiss={close}
      onDone={(answer) => {
        const failed = answer?.list('unsuccessful')[0]?.text('error.message') ?? '';
        if (failed === '') notify('success', 'Flow log created.');
        else notify('error', failed);
        close();
      }}
    >
      {(error) => (
        <SpaceBetween size="m">
          <FormField label="Name">
            <Input value={name} onChange={(e) => setName(e.detail.value)} />
          </FormField>
          <VpcSelect value={vpc} onChange={setVpc} error={error('vpc')} />
          <FormField label="Traffic">
            <RadioGroup
              value={traffic}
              onChange={(e) => setTraffic(e.detail.value)}
              items={[
                { value: 'ALL', label: 'Accepted and rejected' },
                { value: 'ACCEPT', label: 'Accepted only' },
                { value: 'REJECT', label: 'Rejected only' },
              ]}
            />
          </FormField>
          <FormField label="Bucket" description="A directory of the daemon’s that stands for S3." errorText={error('bucket')}>
            <Input value={bucket} onChange={(e) => setBucket(e.detail.value)} />
          </FormField>
        </SpaceBetween>
      )}
    </FormModal>
  );
}
