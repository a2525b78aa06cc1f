export default function FlowLogs() { return null; }
