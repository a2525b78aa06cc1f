import type { ReactNode } from 'react';
import FormField from '@cloudscape-design/components/form-field';
import Select from '@cloudscape-design/components/select';
import { kinds } from '../model/network';
import { useAll } from '../model/use';

/** Chooses one of the VPCs here. */
export function VpcSelect({ value, onChange, error, label = 'VPC', without = '' }: { value: string; onChange: (id: string) => void; error: string; label?: string; without?: string }): ReactNode {
  const { data = [] } = useAll(kinds.vpcs);
  const options = data.filter((v) => v.id !== without).map((v) => ({ value: v.id, label: v.name || v.id, labelTag: v.cidrs.join(', '), description: v.isDefault ? `${v.id} (default)` : v.id }));
  return (
    <FormField label={label} errorText={error}>
      <Select
        selectedOption={options.find((o) => o.value === value) ?? null}
        options={options}
        placeholder="Choose a VPC"
        filteringType="auto"
        filteringAriaLabel="Find a VPC"
        empty="No VPCs here."
        onChange={(e) => onChange(e.detail.selectedOption.value ?? '')}
        data-testid={`select-${label.toLowerCase().replaceAll(/\W+/g, '-')}`}
      />
    </FormField>
  );
}
