import type { ReactNode } from 'react';
import FormField from '@cloudscape-design/components/form-field';
import Select from '@cloudscape-design/components/select';
import { kinds } from '../model/network';
import { useAll, useById } from '../model/use';

/** Chooses one of the subnets here. */
export function SubnetSelect({ value, onChange, error }: { value: string; onChange: (id: string) => void; error: string }): ReactNode {
  const { data = [] } = useAll(kinds.subnets);
  const vpcs = useById(kinds.vpcs);
  const options = data.map((s) => ({ value: s.id, label: s.name || s.id, labelTag: s.cidr, description: `${vpcs.get(s.vpc)?.name || s.vpc} · ${s.zone} · ${s.free} addresses free` }));
  return (
    <FormField label="Subnet" errorText={error}>
      <Select
        selectedOption={options.find((o) => o.value === value) ?? null}
        options={options}
        placeholder="Choose a subnet"
        filteringType="auto"
        filteringAriaLabel="Find a subnet"
        empty="No subnets here. Create one first."
        onChange={(e) => onChange(e.detail.selectedOption.value ?? '')}
        data-testid="select-subnet"
      />
    </FormField>
  );
}
