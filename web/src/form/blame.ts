import type { Refusal } from '../wire/refusal';

/** Which words of AWS's errors point to which field of a form. */
const signs: [RegExp, string][] = [
  [/ipv6|Ipv6/i, 'ipv6'],
  [/availability ?zone/i, 'zone'],
  [/GroupName|group name|InvalidGroup\.Duplicate|InvalidKeyPair\.Duplicate|keyname/i, 'name'],
  [/user ?data/i, 'userData'],
  [/InvalidAMI|image/i, 'image'],
  [/instance ?type/i, 'type'],
  [/IPAddress|PrivateIpAddress|InvalidAddress|Address .*(in use|does not fall)/i, 'address'],
  [/port/i, 'ports'],
  [/rule ?number|NetworkAclEntryAlreadyExists/i, 'number'],
  [/destination|RouteAlreadyExists/i, 'destination'],
  [/cidr|InvalidSubnet|InvalidVpc\.Range|InvalidVpcRange|overlap/i, 'cidr'],
  [/security group|groupId|InvalidGroup/i, 'groups'],
  [/subnet/i, 'subnet'],
  [/peer/i, 'peer'],
  [/tag/i, 'tags'],
];

/** The field that a refusal is about, if the form has it; '' says: the whole form. */
export function blame(r: Refusal, fields: string[]): string {
  const text = `${r.code} ${r.message}`;
  for (const [sign, field] of signs) if (fields.includes(field) && sign.test(text)) return field;
  return '';
}
