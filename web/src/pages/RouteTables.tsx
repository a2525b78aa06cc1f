export default function RouteTables() { return null; }
