import type { Xml } from '../wire/xml';
import { tagged, type Tagged } from './tag';

export interface KeyPair extends Tagged {
  keyName: string;
  type: string;
  fingerprint: string;
}

export function keyPair(x: Xml): KeyPair {
  const t = tagged(x, 'keyPairId');
  return { ...t, name: x.text('keyName'), keyName: x.text('keyName'), type: x.text('keyType'), fingerprint: x.text('keyFingerprint') };
}
