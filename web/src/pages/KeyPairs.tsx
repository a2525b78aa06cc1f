export default function KeyPairs() { return null; }
