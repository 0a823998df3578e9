import { System } from "../../components/system/system.tsx";

export default function SystemPage() {
  return <System />;
}
