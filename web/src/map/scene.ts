import type { Point, Rect } from './geometry';

/** An interface on the map, with the instance that it belongs to. */
export interface Chip extends Rect {
  id: string;
  instance: string;
  name: string;
  addresses: string[];
  address: string;
  state: string;
  subnet: string;
  vpc: string;
}

export interface SubnetBox extends Rect {
  id: string;
  name: string;
  cidr: string;
  zone: string;
  chips: Chip[];
}

export interface VpcBox extends Rect {
  id: string;
  name: string;
  cidr: string;
  state: string;
  collapsed: boolean;
  subnets: SubnetBox[];
  /** How many subnets and interfaces there are, shown or not. */
  counts: { subnets: number; chips: number };
}

export interface Link {
  id: string;
  name: string;
  status: string;
  from: string;
  to: string;
  points: Point[];
  label: Point;
}

/** Everything on the map and where it is. */
export interface Scene {
  vpcs: VpcBox[];
  links: Link[];
  bounds: Rect;
  /** Chips by interface; also those in collapsed VPCs, which stand where their VPC does. */
  chips: Map<string, Chip>;
  byId: Map<string, VpcBox>;
}
