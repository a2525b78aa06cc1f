export default function SecurityGroups() { return null; }
