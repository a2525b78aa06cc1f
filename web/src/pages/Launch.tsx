import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import { useQuery } from '@tanstack/react-query';
import { command } from '../cli/command';
import { blame } from '../form/blame';
import { Commands } from '../form/Commands';
import { GroupsSelect } from '../form/GroupsSelect';
import { SubnetSelect } from '../form/SubnetSelect';
import { kinds } from '../model/network';
import { named } from '../model/tag';
import { useAll, useById, useCalls } from '../model/use';
import { address as parse } from '../net/cidr';
import { useHere } from '../session/session';
import { notify } from '../shell/notices';
import { Shell } from '../shell/Shell';
import { ec2, type Ec2Call } from '../wire/ec2';
import { refusalOf, type Refusal } from '../wire/refusal';

interface Draft {
  name: string;
  count: string;
  image: string;
  type: string;
  key: string;
  subnet: string;
  groups: string[];
  address: string;
  ipv6: string;
  userData: string;
}

const empty: Draft = { name: '', count: '1', image: '', type: 't3.micro', key: '', subnet: '', groups: [], address: '', ipv6: '0', userData: '' };
const types = ['t3.nano', 't3.micro', 't3.small', 't3.medium', 't3.large', 'm5.large'];

/** Launches instances. */
export default function Launch(): ReactNode {
  const { scope } = useHere();
  const navigate = useNavigate();
  const call = useCalls();
  const [draft, setDraft] = useState(empty);
  const [refusal, setRefusal] = useState<Refusal>();
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const keys = useAll(kinds.keyPairs).data ?? [];
  const subnet = useById(kinds.subnets).get(draft.subnet);
  const { data: images } = useQuery({
    queryKey: ['images', scope.account, scope.region],
    queryFn: async () => (await ec2(scope, { action: 'DescribeImages', params: {} })).list('imagesSet').map((i) => ({ id: i.text('imageId'), name: i.text('name'), description: i.text('description') })),
    staleTime: Infinity,
  });
  const image = draft.image || images?.[0]?.id || '';
  const set = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  const problems = problemsOf({ ...draft, image });
  const blamed = refusal ? blame(refusal, Object.keys(problems)) : '';
  const error = (field: keyof Draft): string => {
    const problem = problems[field] ?? '';
    if (problem !== '' && (tried || !/^(Enter|Choose)/.test(problem))) return problem;
    return refusal && blamed === field ? `${refusal.message} (${refusal.code})` : '';
  };
  const launch = callOf({ ...draft, image });
  const wrong = Object.values(problems).some((p) => p !== '');
  const submit = async (): Promise<void> => {
    setTried(true);
    if (wrong || busy) return;
    setBusy(true);
    setRefusal(undefined);
    try {
      const answer = await call(launch);
      const made = answer.list('instancesSet').map((i) => i.text('instanceId'));
      notify('success', `Launched ${draft.name || made.join(', ')}.`);
      void navigate(made.length === 1 ? `/instances/${made[0] ?? ''}` : '/instances');
    } catch (e) {
      setRefusal(refusalOf(e));
    } finally {
      setBusy(false);
    }
  };
  const imageOptions = (images ?? []).map((i) => ({ value: i.id, label: i.name || i.id, description: i.id }));
  return (
    <Shell title="Launch an instance">
      <Box padding={{ vertical: 'm' }}>
        <form
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            void submit();
          }}
        >
          <Form
            header={<Header variant="h1">Launch an instance</Header>}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button variant="link" formAction="none" onClick={() => void navigate('/instances')}>
                  Cancel
                </Button>
                <Button variant="primary" loading={busy} data-testid="submit">
                  Launch instance
                </Button>
              </SpaceBetween>
            }
          >
            <SpaceBetween size="l">
              <Container header={<Header variant="h2">Name and system</Header>}>
                <SpaceBetween size="m">
                  <FormField label="Name" errorText={error('name')}>
                    <Input value={draft.name} onChange={(e) => set({ name: e.detail.value })} placeholder="MarketingServer" />
                  </FormField>
                  <FormField label="Amazon Machine Image (AMI)" description="Whichever you choose runs over this machine’s own /usr." errorText={error('image')}>
                    <Select selectedOption={imageOptions.find((o) => o.value === image) ?? null} options={imageOptions} filteringType="auto" filteringAriaLabel="Find an image" placeholder="Choose an image" onChange={(e) => set({ image: e.detail.selectedOption.value ?? '' })} />
                  </FormField>
                  <FormField label="Instance type" errorText={error('type')}>
                    <Select selectedOption={{ value: draft.type, label: draft.type }} options={types.map((t) => ({ value: t, label: t }))} onChange={(e) => set({ type: e.detail.selectedOption.value ?? 't3.micro' })} />
                  </FormField>
                  <FormField label="Key pair (optional)" description="Session Manager needs none.">
                    <Select selectedOption={{ value: draft.key, label: draft.key === '' ? 'Without a key pair' : draft.key }} options={[{ value: '', label: 'Without a key pair' }, ...keys.map((k) => ({ value: k.keyName, label: k.keyName }))]} onChange={(e) => set({ key: e.detail.selectedOption.value ?? '' })} />
                  </FormField>
                  <FormField label="Number of instances" errorText={error('count')}>
                    <Input value={draft.count} inputMode="numeric" onChange={(e) => set({ count: e.detail.value })} />
                  </FormField>
                </SpaceBetween>
              </Container>
              <Container header={<Header variant="h2">Network</Header>}>
                <SpaceBetween size="m">
                  <SubnetSelect value={draft.subnet} onChange={(id) => set({ subnet: id, groups: [] })} error={error('subnet')} />
                  <GroupsSelect vpc={subnet?.vpc ?? ''} value={draft.groups} onChange={(groups) => set({ groups })} error={error('groups')} />
                  <FormField label="Private IPv4 address (optional)" constraintText={subnet ? `Inside ${subnet.cidr}; without one, the next free address.` : undefined} errorText={error('address')}>
                    <Input value={draft.address} onChange={(e) => set({ address: e.detail.value })} placeholder="172.31.1.199" />
                  </FormField>
                  {(subnet?.ipv6Cidrs.length ?? 0) > 0 && (
                    <FormField label="IPv6 addresses" errorText={error('ipv6')}>
                      <Input value={draft.ipv6} inputMode="numeric" onChange={(e) => set({ ipv6: e.detail.value })} />
                    </FormField>
                  )}
                </SpaceBetween>
              </Container>
              <Container header={<Header variant="h2">User data</Header>}>
                <FormField label="User data (optional)" description="A script that runs once, as root, when the instance boots first." errorText={error('userData')} stretch>
                  <Textarea value={draft.userData} rows={8} onChange={(e) => set({ userData: e.detail.value })} placeholder={'#!/bin/sh\ncd /srv && exec setsid python3 -m http.server 80 --bind :: >/dev/null 2>&1 &'} spellcheck={false} />
                </FormField>
              </Container>
              {refusal && blamed === '' && (
                <Alert type="error" header={refusal.code} data-testid="refusal">
                  {refusal.message}
                </Alert>
              )}
              <Commands lines={wrong ? [] : [command(launch)]} />
            </SpaceBetween>
          </Form>
        </form>
      </Box>
    </Shell>
  );
}

function problemsOf(d: Draft): Record<keyof Draft, string> {
  const none = { name: '', count: '', image: '', type: '', key: '', subnet: '', groups: '', address: '', ipv6: '', userData: '' };
  return {
    ...none,
    image: d.image === '' ? 'Choose an image.' : '',
    subnet: d.subnet === '' ? 'Choose a subnet.' : '',
    count: /^[1-9]\d{0,2}$/.test(d.count) ? (d.address.trim() !== '' && d.count !== '1' ? 'An address of its own is for one instance.' : '') : 'From 1 to 999.',
    address: d.address.trim() === '' || parse(d.address.trim())?.family === 4 ? '' : 'This is no IPv4 address.',
    ipv6: /^\d{1,2}$/.test(d.ipv6) ? '' : 'A number of addresses.',
    userData: new TextEncoder().encode(d.userData).length > 16 * 1024 ? 'At most 16 KB.' : '',
  };
}

function callOf(d: Draft): Ec2Call {
  return {
    action: 'RunInstances',
    params: {
      ImageId: d.image,
      InstanceType: d.type,
      MinCount: Number(d.count),
      MaxCount: Number(d.count),
      KeyName: d.key || undefined,
      SubnetId: d.subnet,
      SecurityGroupId: d.groups,
      PrivateIpAddress: d.address.trim() || undefined,
      Ipv6AddressCount: Number(d.ipv6) > 0 ? Number(d.ipv6) : undefined,
      UserData: d.userData === '' ? undefined : btoa(String.fromCharCode(...new TextEncoder().encode(d.userData))),
      TagSpecification: named('instance', d.name),
    },
  };
}
