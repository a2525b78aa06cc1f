export default function Launch() { return null; }
