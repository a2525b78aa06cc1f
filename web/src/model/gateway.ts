import type { Xml } from '../wire/xml';
import { tagged, type Tagged } from './tag';

export interface InternetGateway extends Tagged {
  vpc: string;
  state: string;
}

export function internetGateway(x: Xml): InternetGateway {
  const attached = x.list('attachmentSet')[0];
  return { ...tagged(x, 'internetGatewayId'), vpc: attached?.text('vpcId') ?? '', state: attached ? attached.text('state') : 'detached' };
}
