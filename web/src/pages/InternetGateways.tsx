export default function InternetGateways() { return null; }
