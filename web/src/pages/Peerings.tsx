export default function Peerings() { return null; }
