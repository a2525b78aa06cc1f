import type { Ec2Call } from '../wire/ec2';
import type { Value } from '../wire/form';

/** Wire names that the AWS CLI spells otherwise than `--` and the name in kebab case. */
const options: Record<string, string> = {
  Filter: 'filters',
  TagSpecification: 'tag-specifications',
  GroupDescription: 'description',
  InstanceId: 'instance-ids',
  SecurityGroupId: 'security-group-ids',
  SecurityGroupRuleId: 'security-group-rule-ids',
  SecurityGroupRule: 'security-group-rules',
  ResourceId: 'resources',
  Tag: 'tags',
  FlowLogId: 'flow-log-ids',
  PublicKeyMaterial: 'public-key-material',
};

/** Where a name means something else in one action. */
const special: Record<string, string> = {
  'CreateFlowLogs.ResourceId': 'resource-ids',
  'ModifyNetworkInterfaceAttribute.SecurityGroupId': 'groups',
  'CreateNetworkInterface.SecurityGroupId': 'groups',
  'CreateRoute.InstanceId': 'instance-id',
  'ReplaceRoute.InstanceId': 'instance-id',
  'AttachNetworkInterface.InstanceId': 'instance-id',
  'GetConsoleOutput.InstanceId': 'instance-id',
  'ModifyInstanceAttribute.InstanceId': 'instance-id',
  'CreateNetworkAclEntry.Icmp': 'icmp-type-code',
  'ReplaceNetworkAclEntry.Icmp': 'icmp-type-code',
};

/** Flags whose two forms the CLI names apart. */
const flags: Record<string, [on: string, off: string]> = {
  Egress: ['egress', 'ingress'],
};

/** The call as a person would type it. */
export function command(c: Ec2Call): string {
  const words = ['aws ec2', kebab(c.action)];
  for (const [name, value] of Object.entries(c.params)) {
    const word = option(c.action, name, value);
    if (word !== '') words.push(word);
  }
  return words.join(' ');
}

function option(action: string, name: string, value: Value): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return '';
  // The CLI has one --count for the two numbers of RunInstances.
  if (action === 'RunInstances' && name === 'MinCount') return '';
  if (action === 'RunInstances' && name === 'MaxCount') return `--count ${String(value)}`;
  if (name === 'UserData') return '--user-data file://user-data.txt';
  const flag = flags[name];
  if (flag) return `--${value === true ? flag[0] : flag[1]}`;
  const key = `--${special[`${action}.${name}`] ?? options[name] ?? kebab(name)}`;
  const bool = attribute(value);
  if (bool !== undefined) return bool ? key : key.replace('--', '--no-');
  return `${key} ${argument(value)}`;
}

/** A yes or no, plain or as the {Value: …} that Modify…Attribute wants. */
function attribute(value: Value): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (value !== null && typeof value === 'object' && !Array.isArray(value) && typeof value['Value'] === 'boolean') return value['Value'];
  return undefined;
}

function argument(value: Value): string {
  if (Array.isArray(value)) return value.map(argument).join(' ');
  if (typeof value === 'object') return quote(shorthand(value));
  return quote(String(value));
}

/** The CLI's shorthand: Key=Value,List=[a,b]. */
function shorthand(value: Value): string {
  if (Array.isArray(value)) return `[${value.map((v) => (v !== null && typeof v === 'object' ? `{${shorthand(v)}}` : shorthand(v))).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    return Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .map(([k, v]) => `${plural(k)}=${v !== null && typeof v === 'object' && !Array.isArray(v) ? `{${shorthand(v)}}` : shorthand(v)}`)
      .join(',');
  }
  const text = String(value);
  return /[,=[\]{}\s"]/.test(text) ? `"${text.replaceAll('"', '\\"')}"` : text;
}

/** Inner names whose plural the CLI uses where the wire has one. */
function plural(name: string): string {
  return { Tag: 'Tags', Groups: 'UserIdGroupPairs' }[name] ?? name;
}

/** Quotes for a shell what needs it. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** CreateVpcPeeringConnection → create-vpc-peering-connection. */
export function kebab(name: string): string {
  return name
    .replaceAll('Ipv6', 'IPV6')
    .replaceAll('Ipv4', 'IPV4')
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z]+[0-9]?)([A-Z][a-z])/g, '$1-$2')
    .toLowerCase();
}
