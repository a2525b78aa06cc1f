export default function NetworkInterfaces() { return null; }
