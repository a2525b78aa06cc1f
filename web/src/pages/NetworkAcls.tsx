export default function NetworkAcls() { return null; }
