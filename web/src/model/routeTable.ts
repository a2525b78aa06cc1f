import type { Xml } from '../wire/xml';
import { tagged, type Tagged } from './tag';

export interface Route {
  destination: string;
  target: string;
  state: string;
  origin: string;
}

export interface RouteTable extends Tagged {
  vpc: string;
  main: boolean;
  routes: Route[];
  associations: { id: string; subnet: string; main: boolean }[];
}

export function routeTable(x: Xml): RouteTable {
  const associations = x.list('associationSet').map((a) => ({ id: a.text('routeTableAssociationId'), subnet: a.text('subnetId'), main: a.flag('main') }));
  return { ...tagged(x, 'routeTableId'), vpc: x.text('vpcId'), main: associations.some((a) => a.main), routes: x.list('routeSet').map(route), associations };
}

function route(x: Xml): Route {
  const targets = ['vpcPeeringConnectionId', 'natGatewayId', 'networkInterfaceId', 'instanceId', 'gatewayId', 'egressOnlyInternetGatewayId', 'transitGatewayId'];
  return {
    destination: x.text('destinationCidrBlock') || x.text('destinationIpv6CidrBlock') || x.text('destinationPrefixListId'),
    target: targets.map((t) => x.text(t)).find((t) => t !== '') ?? '',
    state: x.text('state'),
    origin: x.text('origin'),
  };
}

/** The parameter of CreateRoute that a target's ID goes into. */
export function targetParameter(target: string): string {
  const kind = target.slice(0, target.indexOf('-'));
  const known: Record<string, string> = {
    pcx: 'VpcPeeringConnectionId',
    igw: 'GatewayId',
    vgw: 'GatewayId',
    eni: 'NetworkInterfaceId',
    i: 'InstanceId',
    nat: 'NatGatewayId',
    eigw: 'EgressOnlyInternetGatewayId',
    tgw: 'TransitGatewayId',
    vpce: 'VpcEndpointId',
  };
  return known[kind] ?? 'GatewayId';
}

/** The parameter that a destination goes into. */
export function destinationParameter(destination: string): string {
  if (destination.startsWith('pl-')) return 'DestinationPrefixListId';
  return destination.includes(':') ? 'DestinationIpv6CidrBlock' : 'DestinationCidrBlock';
}
