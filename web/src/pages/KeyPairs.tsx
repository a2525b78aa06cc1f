import { useState, type ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import { Confirm } from '../form/Confirm';
import { FormModal } from '../form/FormModal';
import type { KeyPair } from '../model/keyPair';
import { kinds } from '../model/network';
import { notify } from '../shell/notices';
import { Facts } from './Facts';
import { Listing, type Column } from './Listing';
import { Tags } from './Tags';

const columns: Column<KeyPair>[] = [
  { id: 'type', header: 'Type', text: (k) => k.type, width: 120 },
  { id: 'fingerprint', header: 'Fingerprint', text: (k) => k.fingerprint, width: 420 },
];

export default function KeyPairs(): ReactNode {
  const [form, setForm] = useState<'create' | 'delete'>();
  const [at, setAt] = useState<KeyPair>();
  const [secret, setSecret] = useState('');
  const close = (): void => setForm(undefined);
  return (
    <>
      <Listing
        title="Key pairs"
        singular="Key pair"
        path="key-pairs"
        kind={kinds.keyPairs}
        columns={columns}
        description="For SSH. Session Manager needs none."
        empty="No key pairs. Create or import one if you use SSH."
        create={{ text: 'Create key pair', onClick: () => setForm('create') }}
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
        details={(k) => (
          <SpaceBetween size="m">
            <Facts
              of={[
                ['Key pair', k.id],
                ['Type', k.type],
                ['Fingerprint', k.fingerprint],
              ]}
            />
            <Tags of={k} />
          </SpaceBetween>
        )}
      />
      {form === 'create' && (
        <CreateKeyPair
          close={close}
          done={(material) => {
            close();
            setSecret(material);
          }}
        />
      )}
      {form === 'delete' && at && (
        <Confirm
          title={`Delete ${at.keyName}?`}
          verb="Delete"
          calls={[{ action: 'DeleteKeyPair', params: { KeyPairId: at.id } }]}
          onDismiss={close}
          onDone={() => {
            notify('success', `${at.keyName} deleted.`);
            close();
          }}
        >
          Instances that were launched with it keep its public half.
        </Confirm>
      )}
      {secret !== '' && (
        <Modal visible header="The private key, once" closeAriaLabel="Close" onDismiss={() => setSecret('')} footer={<Box float="right"><Button variant="primary" onClick={() => setSecret('')}>I have kept it</Button></Box>}>
          <SpaceBetween size="m">
            <Alert type="warning">It is shown now and never again. Keep it in a file that only you can read.</Alert>
            <pre className="mono output" tabIndex={0} aria-label="Private key">
              {secret}
            </pre>
            <CopyToClipboard copyButtonText="Copy" textToCopy={secret} copySuccessText="Copied" copyErrorText="Not copied" />
          </SpaceBetween>
        </Modal>
      )}
    </>
  );
}

function CreateKeyPair({ close, done }: { close: () => void; done: (material: string) => void }): ReactNode {
  const [name, setName] = useState('');
  const [own, setOwn] = useState('');
  const call = own.trim() === '' ? { action: 'CreateKeyPair', params: { KeyName: name.trim(), KeyType: 'ed25519' } } : { action: 'ImportKeyPair', params: { KeyName: name.trim(), PublicKeyMaterial: btoa(own.trim()) } };
  return (
    <FormModal
      title="Create key pair"
      submit="Create key pair"
      calls={[call]}
      problems={{ name: name.trim() === '' ? 'Enter a name.' : '', material: own.trim() === '' || /^(ssh-|ecdsa-)[\x20-\x7e]+$/.test(own.trim()) ? '' : 'This is no public key in OpenSSH’s form.' }}
      onDismiss={close}
      onDone={(answer) => {
        notify('success', `${name} ${own.trim() === '' ? 'created' : 'imported'}.`);
        done(answer?.text('keyMaterial') ?? '');
      }}
    >
      {(error) => (
        <SpaceBetween size="m">
          <FormField label="Name" errorText={error('name')}>
            <Input value={name} onChange={(e) => setName(e.detail.value)} autoFocus />
          </FormField>
          <FormField label="A public key of your own (optional)" description="Pasted here, it is imported and no private key is made." errorText={error('material')} stretch>
            <Textarea value={own} rows={3} onChange={(e) => setOwn(e.detail.value)} placeholder="ssh-ed25519 AAAA… me@home" />
          </FormField>
        </SpaceBetween>
      )}
    </FormModal>
  );
}
