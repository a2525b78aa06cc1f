import type { Xml } from '../wire/xml';
import { tagged, type Tagged } from './tag';

export interface FlowLog extends Tagged {
  resource: string;
  traffic: string;
  destination: string;
  status: string;
  interval: number;
  created: string;
}

export function flowLog(x: Xml): FlowLog {
  return {
    ...tagged(x, 'flowLogId'),
    resource: x.text('resourceId'),
    traffic: x.text('trafficType'),
    destination: x.text('logDestination') || x.text('logGroupName'),
    status: x.text('flowLogStatus'),
    interval: x.number('maxAggregationInterval'),
    created: x.text('creationTime'),
  };
}
