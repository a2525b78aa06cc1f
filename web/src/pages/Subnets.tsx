export default function Subnets() { return null; }
